/** Telling parts of a long page whether they are near the screen: one observer for all of them. */

const MARGIN = "400px 0px";

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
      // What scrolls within the page has its own margin: that of the page counts only for what the page itself scrolls.
      { rootMargin: MARGIN, scrollMargin: MARGIN },
    );
    const mine = observer;
    heard.set(element, tell);
    mine.observe(element);
    return () => mine.unobserve(element);
  };
}
