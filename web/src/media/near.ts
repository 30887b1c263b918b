/** Telling parts of a long page whether they are near the screen: one observer for all of them. */

type Told = (near: boolean) => void;

const heard = new WeakMap<Element, Told>();
let observer: IntersectionObserver | null = null;

/** An attachment that tells when an element comes near the screen, and when it is far from it again. */
export function near(tell: Told): (element: Element) => () => void {
  return (element) => {
    observer ??= new IntersectionObserver(
      (entries) => {
        for (const one of entries) heard.get(one.target)?.(one.isIntersecting);
      },
      { rootMargin: "400px 0px" },
    );
    const mine = observer;
    heard.set(element, tell);
    mine.observe(element);
    return () => mine.unobserve(element);
  };
}
