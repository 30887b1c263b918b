"""Reports: Markdown documents with views inside, kept in a store.

Where to find what: `face` keeps them as a `document` of the store, `markdown` finds the blocks in their text and makes HTML of the rest, `blocks` reads what a block says, and
`meaning` what that means in a store. `anew.printing` makes files of them.
"""
