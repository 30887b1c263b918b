/**
 * Notes in Markdown, as HTML that runs and loads nothing.
 *
 * marked makes HTML of the text, in which tags that somebody wrote are text and images are links: whoever serves an image learns who looks at the
 * notes. DOMPurify then leaves only what shows text. This file is loaded when notes are first shown.
 */

import DOMPurify, { type Config } from "dompurify";
import { Marked } from "marked";

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}

const marked = new Marked({
  gfm: true,
  breaks: false,
  async: false,
  renderer: {
    html: ({ text }) => escaped(text),
    image: ({ href, text }) => `<a href="${escaped(href)}">${escaped(text || href)}</a>`,
  },
});

const ALLOWED: Config = {
  ALLOWED_TAGS: [
    "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "em", "strong", "del", "code", "pre", "blockquote",
    "ul", "ol", "li", "a", "table", "thead", "tbody", "tr", "th", "td", "input",
  ],
  ALLOWED_ATTR: ["href", "title", "align", "start", "type", "checked", "disabled"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ADD_URI_SAFE_ATTR: ["align", "checked", "disabled", "start", "title", "type"], // what the expression above is not about
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
};

interface Policies {
  createPolicy(name: string, rules: { createHTML(text: string): string; createScriptURL(): string }): unknown;
}

// The policy that the page's Content-Security-Policy names; DOMPurify parses with it.
const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes;
const policy = policies?.createPolicy("notes", {
  createHTML: (text) => text,
  createScriptURL: () => {
    throw new TypeError("Notes have no scripts.");
  },
});

/** The notes as a fragment of a document, to be put where they are shown. */
export function fragmentOf(text: string): DocumentFragment {
  const html = marked.parse(text) as string;
  const fragment = DOMPurify.sanitize(html, {
    ...ALLOWED,
    RETURN_DOM_FRAGMENT: true,
    ...(policy ? { TRUSTED_TYPES_POLICY: policy as never } : {}),
  });
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  for (const box of fragment.querySelectorAll("input")) {
    if (box.type !== "checkbox") box.remove();
    else {
      box.disabled = true;
      box.setAttribute("aria-label", box.parentElement?.textContent?.trim() || "done");
    }
  }
  return fragment;
}
