"""The command line: a tree of nouns and verbs over `Store`, with no logic of its own.

`main` is the tree and the way out of it, `output` the one place that prints, `table` what its tables are, `errors` the table of errors and
exit codes, `words` how numbers and times read, `columns` how experiments become a table; the other files
are commands.
"""
