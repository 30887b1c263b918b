"""Tables that nobody needs, whose last version cannot be reached."""

from anew.server.migrations.history import History

from . import v1, v2, v3

WORKING = History("things", (v1, v2))
FAILING = History("things", (v1, v2, v3))
