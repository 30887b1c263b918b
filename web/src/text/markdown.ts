/**
 * Notes in Markdown, as HTML that runs and loads nothing.
 *
 * marked makes HTML of the text, in which tags that somebody wrote are text and images are links: whoever serves an image learns who looks at the
 * notes. DOMPurify then leaves only what shows text. A report comes as HTML that was made likewise, see `reports/markdown.py`, and goes through
 * DOMPurify too. This file is loaded when notes or a report are first shown.
 */

import DOMPurify, { type Config } from "dompurify";
import { Marked } from "marked";
import { link } from "../link.svelte";

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
  ALLOWED_URI_REGEXP: /^(?:https?|mailto|anew):/i,
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

/** A link to an experiment: `anew:k7f3`. */
const EXPERIMENT = /^anew:(\w[\w./-]*)$/i;

/** The notes as a fragment of a document, to be put where they are shown. */
export function fragmentOf(text: string): DocumentFragment {
  return cleaned(marked.parse(text) as string);
}

/** HTML as a fragment in which nothing runs and nothing is loaded, whatever it says. */
export function cleaned(html: string): DocumentFragment {
  const fragment = DOMPurify.sanitize(html, {
    ...ALLOWED,
    RETURN_DOM_FRAGMENT: true,
    ...(policy ? { TRUSTED_TYPES_POLICY: policy as never } : {}),
  });
  for (const anchor of fragment.querySelectorAll("a")) {
    const id = EXPERIMENT.exec(anchor.getAttribute("href") ?? "")?.[1];
    if (id) {
      anchor.href = link.to({ page: "experiment", id });
      continue;
    }
    anchor.target = "_blank";
    anchor.rel = "noopener noreferrer nofollow";
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
