"""The table of all routes: the application and the OpenAPI document are made from it, and tests walk it."""

from __future__ import annotations

from typing import Any

from ..analysis.grouping import GroupComparison
from ..analysis.histograms import Histograms
from ..analysis.importance import Importance
from ..analysis.machine import MachineUse
from ..analysis.questions import (
    CompareQuestion,
    HistogramsQuestion,
    ImportanceQuestion,
    MachineQuestion,
    TableDifferenceQuestion,
    TableQuestion,
    ValuesQuestion,
)
from ..analysis.tables import TableDifference, TablePage
from ..analysis.values import Values
from ..commands.badges import BadgeOptions
from ..commands.programs import Program, ProgramRequest
from ..models.lineage import LineageFacts
from ..query.about import About
from ..query.changes import Changes, ChangesQuestion
from ..query.content import Content, ContentQuestion
from ..query.documents import Documents, DocumentsQuestion
from ..query.edits import Appended, AppendQuestion
from ..query.lines import Lines, LinesQuestion
from ..query.panel import Panel, PanelQuestion
from ..query.points import Points, PointsQuestion
from ..query.question import FactsQuestion, Name, NamesQuestion, Question, Selected
from ..query.references import Resolved, ResolveQuestion
from ..query.telling import Telling
from ..reading.comments import Comment
from ..reading.news import News
from ..reading.preview import Preview
from ..reading.saved_views import SavedView
from ..reading.upkeep import Trashed, Usage
from ..record.facts import ExperimentFacts
from ..record.models import AliasFact, ModelFact, VersionFact
from ..reports.document import Report
from ..reports.meaning import Piece
from ..sync.wire import (
    Accepted,
    ArrivedAnswer,
    ArrivedRequest,
    BranchesAnswer,
    BranchesRequest,
    BranchRequest,
    FilingAnswer,
    FilingRequest,
    FramesAnswer,
    FramesRequest,
    Kept,
    LackingAnswer,
    LackingRequest,
    LeaseAnswer,
    LeasesRequest,
    NamingAnswer,
    NamingRequest,
    PackRequest,
    PieceRequest,
    ReadAnswer,
    ReadRequest,
    RootEventsAnswer,
    RootEventsRequest,
    Settled,
    Welcome,
)
from ..weights.elsewhere import Given, Shown
from . import (
    analysing,
    asking,
    browsing,
    comparing,
    health,
    login,
    managing,
    media,
    models,
    page,
    receiving,
    reporting,
    sharing,
    signing_on,
    weights,
)
from .beside import BESIDE
from .callers import Role
from .commands import commands_below
from .dash import DASH_ROUTES
from .granting import Done
from .identity.accounts import Token, User
from .identity.audit import AuditEntry
from .identity.shares import Share
from .mlflow import MLFLOW_ROUTES
from .page_answers import (
    CurvePart,
    DifferenceAnswer,
    Gaps,
    Lineage,
    MediaOf,
    MediaSeries,
    Overview,
    ReproductionAnswer,
)
from .page_requests import (
    CurvesRequest,
    DifferenceRequest,
    GapRequest,
    MediaOfRequest,
    MediaRequest,
    OneRequest,
    PreviewRequest,
    ReproductionRequest,
    ThumbnailRequest,
)
from .requests import (
    AlertsAnswer,
    AlertsRequest,
    ArchiveRequest,
    CommentsRequest,
    ContentRequest,
    EventsRequest,
    ExperimentRequest,
    LinesRequest,
    ListRequest,
    Mine,
    NamesRequest,
    NewsRequest,
    PanelRequest,
    ProjectsUsage,
    SeriesRequest,
    Stopped,
    StopRequest,
    TellingRequest,
    UsageRequest,
    VersionAnswer,
    ViewsRequest,
)
from .routes import Nothing, Route

__all__ = ["API", "ROUTES"]

API = "/api/v1"


def _ask(name: str, question: type[Any], answer: Any, summary: str, **more: Any) -> Route:
    return Route("POST", f"{API}/ask/{name}", f"ask-{name}", question, answer, summary, **more)


def _upload(name: str, question: type[Any], answer: Any, summary: str, reply: Any) -> Route:
    return Route("POST", f"{API}/upload/{name}", f"upload-{name.replace('/', '-')}", question, answer, summary, role=Role.WRITER, reply=reply, changes=True, noted=False)  # fmt: skip


ROUTES: tuple[Route, ...] = (
    # For people, scripts and pages.
    Route("GET", f"{API}/about", "about", Nothing, About, "What this server is, and who asks.", reply=asking.about),
    Route("GET", f"{API}/experiments", "experiments", ListRequest, Selected, "Experiments that meet a filter, sorted, as columns; or groups of them.", reply=browsing.experiments),
    Route("GET", f"{API}/telling", "telling", TellingRequest, Telling, "Which fields tell most about the experiments that meet a filter.", reply=browsing.telling),
    Route("GET", f"{API}/experiments/{{ref}}", "experiment", ExperimentRequest, ExperimentFacts, "What is known of one experiment.", reply=browsing.experiment),
    Route("GET", f"{API}/experiments/{{ref}}/series/{{metric:path}}", "series", SeriesRequest, Points, "The points of a metric, or those written since a cursor.", reply=browsing.series, arrays=True),
    Route("GET", f"{API}/experiments/{{ref}}/lines", "lines", LinesRequest, Lines, "Messages or console output, from either end or from a cursor.", reply=browsing.lines, arrays=True),
    Route("GET", f"{API}/experiments/{{ref}}/content/{{kind}}/{{name:path}}", "content", ContentRequest, bytes, "The bytes of a logged file, a value or a capture; takes Range.", stream=browsing.content, media="application/octet-stream"),
    Route("GET", f"{API}/experiments/{{ref}}/overview", "overview", OneRequest, Overview, "One experiment as its page shows it: facts, openings, and how it was run.", reply=page.overview),
    Route("GET", f"{API}/experiments/{{ref}}/lineage", "lineage", OneRequest, Lineage, "Where an experiment comes from, and what came from it.", reply=page.lineage),
    Route("GET", f"{API}/experiments/{{ref}}/media", "media", MediaRequest, tuple[MediaSeries, ...], "Images, tables and other values: their names, or some of them step by step.", reply=media.media),
    Route("POST", f"{API}/media", "media-of-many", MediaOfRequest, tuple[MediaOf, ...], "Images, tables and other values of many experiments.", reply=media.media_of_many),
    Route("GET", f"{API}/experiments/{{ref}}/thumbnail/{{name:path}}", "thumbnail", ThumbnailRequest, bytes, "A small picture of an image that was logged.", stream=media.thumbnail, media="image/webp"),
    Route("GET", f"{API}/experiments/{{ref}}/preview/{{kind}}/{{name:path}}", "preview", PreviewRequest, Preview, "What can be shown of a file: its text, the rows of a table.", reply=page.preview_of),
    Route("GET", f"{API}/experiments/{{ref}}/reproduction", "reproduction", ReproductionRequest, ReproductionAnswer, "Whether a result came back when an experiment was run again: a verdict per metric, and what it rests on.", reply=comparing.reproduction),
    Route("GET", f"{API}/difference", "difference", DifferenceRequest, DifferenceAnswer, "What differs between experiments: everything but their points.", reply=comparing.difference),
    Route("GET", f"{API}/difference/curves", "difference-curves", CurvesRequest, tuple[CurvePart, ...], "Where the curves of experiments part.", reply=comparing.curves),
    Route("GET", f"{API}/difference/gap", "difference-gap", GapRequest, Gaps, "How far one metric of two experiments is apart, step by step.", reply=comparing.gap, arrays=True),
    Route("GET", f"{API}/views", "views", ViewsRequest, tuple[SavedView, ...], "Saved views of the page: those for all, and those for a project.", reply=browsing.views),
    Route("GET", f"{API}/comments", "comments", CommentsRequest, tuple[Comment, ...], "What people said about an experiment, its points or a report; or to whom they said it.", reply=browsing.comments),
    Route("GET", f"{API}/mine", "mine", Nothing, Mine, "What belongs to who asks: preferences and stars; and the pins that they see.", reply=browsing.mine),
    Route("GET", f"{API}/news", "news", NewsRequest, News, "What has changed since who asks has looked.", reply=browsing.news),
    Route("GET", f"{API}/badge", "badge", BadgeOptions, bytes, "A badge as an image: the status of an experiment, a result, a verdict, or the best of a project.", stream=browsing.badge, media="image/svg+xml"),
    Route("GET", f"{API}/reports", "reports", reporting.ReportsRequest, tuple[reporting.ReportFact, ...], "Reports: those for all and for a project, or those that show an experiment.", reply=reporting.reports),
    Route("GET", f"{API}/reports/{{name:path}}", "report", reporting.ReportRequest, Report, "One report: its text, and what it said before.", reply=reporting.report),
    Route("POST", f"{API}/reports/pieces", "report-pieces", reporting.PiecesRequest, tuple[Piece, ...], "What a text shows as a report: HTML of its Markdown, and what each block is of.", reply=reporting.pieces),
    Route("GET", f"{API}/report-files/{{name:path}}", "report-file", reporting.ReportFileRequest, bytes, "One report as Markdown, as one HTML file, or as a PDF.", stream=reporting.report_file, media="application/octet-stream"),
    Route("GET", f"{API}/alerts", "alerts", AlertsRequest, AlertsAnswer, "The alerts, and what they found last.", reply=browsing.alerts),
    Route("GET", f"{API}/names", "names", NamesRequest, tuple[Name, ...], "Names of metrics, parameters, tags …, or the values of a field: completion.", reply=browsing.names),
    Route("POST", f"{API}/panel", "panel", PanelRequest, Panel, "Metrics of many experiments on one grid, and groups of them.", reply=browsing.panel, arrays=True),
    Route("POST", f"{API}/analysis/values", "values", ValuesQuestion, Values, "Fields of many experiments as arrays.", reply=analysing.values, arrays=True),
    Route("POST", f"{API}/analysis/compare", "compare-groups", CompareQuestion, GroupComparison, "Two groups of experiments by one result: difference, interval, test, and what so many results can tell.", reply=analysing.compare),
    Route("POST", f"{API}/analysis/importance", "importance", ImportanceQuestion, tuple[Importance, ...], "How much settings explain of a result.", reply=analysing.importance),
    Route("POST", f"{API}/analysis/histograms", "histograms", HistogramsQuestion, Histograms, "Histograms of one name step after step, on one grid of bins.", reply=analysing.histograms, arrays=True),
    Route("POST", f"{API}/analysis/table", "table", TableQuestion, TablePage, "Some rows of a logged table, filtered and sorted.", reply=analysing.table),
    Route("POST", f"{API}/analysis/table-difference", "table-difference", TableDifferenceQuestion, TableDifference, "Rows that were added, removed and changed between two logged tables.", reply=analysing.table_difference),
    Route("POST", f"{API}/analysis/machine", "machine", MachineQuestion, tuple[MachineUse, ...], "How long the devices of machines were idle, and what stands out in a stretch of a curve.", reply=analysing.machine),
    Route("POST", f"{API}/plot/program", "plot-program", ProgramRequest, Program, "A picture as a program of matplotlib alone, with the numbers in it.", reply=analysing.program),
    Route("GET", f"{API}/version", "version", Nothing, VersionAnswer, "The cursor of the newest change of an experiment, to be polled with If-None-Match.", reply=browsing.version),
    Route("GET", f"{API}/events", "events", EventsRequest, Changes, "Changes as server-sent events.", stream=browsing.events, media="text/event-stream"),
    Route("GET", f"{API}/trash", "trash", Nothing, tuple[Trashed, ...], "What is in the trash.", reply=browsing.trash),
    Route("POST", f"{API}/stop", "stop", StopRequest, Stopped, "Stop the programs that record experiments.", role=Role.WRITER, reply=browsing.stop, changes=True),
    Route("POST", f"{API}/usage", "usage", UsageRequest, Usage, "Bytes that experiments take on the server's disk.", reply=browsing.usage),
    Route("GET", f"{API}/usage/projects", "usage-projects", Nothing, ProjectsUsage, "Bytes on the server's disk, by project and by user.", reply=browsing.usage_of_projects),
    Route("POST", f"{API}/archive", "archive", ArchiveRequest, bytes, "Experiments as a zip file.", stream=browsing.archive, media="application/zip"),
    # Registered models.
    Route("GET", f"{API}/models", "models", models.ModelsRequest, tuple[ModelFact, ...], "The registered models.", reply=models.models),
    Route("GET", f"{API}/models/{{ref:path}}", "model", models.ModelRequest, ModelFact, "One registered model: versions, aliases, and all that happened to it.", reply=models.model),
    Route("POST", f"{API}/models/register", "register-model", models.RegisterRequest, VersionFact, "Make the next version of a model.", role=Role.WRITER, reply=models.register, changes=True),
    Route("POST", f"{API}/models/promote", "promote-model", models.PromoteRequest, AliasFact, "Have an alias mean a version; a verdict of re-runs can be demanded.", role=Role.WRITER, reply=models.promote, changes=True),
    Route("POST", f"{API}/models/demote", "demote-model", models.DemoteRequest, ModelFact, "Take an alias away from a model.", role=Role.WRITER, reply=models.demote, changes=True),
    Route("POST", f"{API}/models/edit", "edit-model", models.EditRequest, ModelFact, "Set the description and tags of a model or a version.", role=Role.WRITER, reply=models.edit, changes=True),
    Route("POST", f"{API}/models/rename", "rename-model", models.RenameRequest, ModelFact, "Give a model another name.", role=Role.WRITER, reply=models.rename, changes=True),
    Route("POST", f"{API}/models/delete", "delete-model", models.ModelRequest, ModelFact, "Delete a model, or withdraw a version.", role=Role.WRITER, reply=models.delete, changes=True),
    Route("POST", f"{API}/models/restore", "restore-model", models.RestoreRequest, ModelFact, "Bring back a deleted model, or a version that was withdrawn.", role=Role.WRITER, reply=models.bring_back, changes=True),
    Route("GET", f"{API}/lineage", "lineage-of", models.LineageRequest, LineageFacts, "Where a model, an experiment or a content comes from, and what came of it.", reply=models.lineage),
    # Who calls.
    Route("GET", f"{API}/login", "entrance", Nothing, login.Entrance, "How somebody comes in, and whether the browser that asks is in already.", role=Role.ANYONE, reply=login.entrance),
    Route("POST", f"{API}/login/link", "login-link", login.LinkRequest, login.LoggedIn, "Begin a session with a link of one use; its cookie is set.", role=Role.ANYONE, stream=login.by_link, changes=True),
    Route("GET", f"{API}/login/oidc", "login-oidc", Nothing, bytes, "Send the browser to the provider of sign-on.", role=Role.ANYONE, stream=signing_on.to_provider, media="text/plain"),
    Route("GET", f"{API}/login/oidc/callback", "login-oidc-callback", Nothing, bytes, "Where the provider of sign-on sends the browser back to.", role=Role.ANYONE, stream=signing_on.back, media="text/plain"),
    Route("POST", f"{API}/logout", "logout", Nothing, login.LoggedOut, "End the session that the request shows.", role=Role.ANYONE, stream=login.logout, changes=True),
    Route("GET", f"{API}/tokens", "tokens", Nothing, tuple[Token, ...], "Tokens of one's own, or all of them for who looks after the server.", reply=managing.tokens),
    Route("POST", f"{API}/tokens", "create-token", managing.NewToken, managing.TokenMade, "Make a token for oneself; it is told this one time.", role=Role.REPORTER, reply=managing.create_token, changes=True),
    Route("POST", f"{API}/tokens/revoke", "revoke-token", managing.TokenName, Done, "End a token.", role=Role.REPORTER, reply=managing.revoke_token, changes=True),
    Route("GET", f"{API}/shares", "shares", Nothing, tuple[Share, ...], "Links to the projects that one maintains.", role=Role.MAINTAINER, reply=sharing.shares),
    Route("POST", f"{API}/shares", "create-share", sharing.NewShare, sharing.ShareMade, "Make a link that shows some projects to whoever has it; its secret is told this one time.", role=Role.MAINTAINER, reply=sharing.create, changes=True),
    Route("POST", f"{API}/shares/revoke", "revoke-share", sharing.ShareNumber, Done, "Take a link back.", role=Role.MAINTAINER, reply=sharing.revoke, changes=True),
    Route("POST", f"{API}/login/share", "login-share", sharing.ShareLink, login.LoggedIn, "Begin a session that may look at what a link shows; its cookie is set.", role=Role.ANYONE, stream=sharing.by_share, changes=True),
    Route("GET", f"{API}/users", "users", Nothing, tuple[User, ...], "The accounts, and their roles.", admin=True, reply=managing.users),
    Route("POST", f"{API}/users", "add-user", managing.NewUser, managing.Made, "Add a user; the answer has a link of one use.", admin=True, reply=managing.add_user, changes=True),
    Route("POST", f"{API}/users/remove", "remove-user", managing.UserName, Done, "Remove an account.", admin=True, reply=managing.remove_user, changes=True),
    Route("POST", f"{API}/roles", "set-role", managing.RoleRequest, Done, "Give a user a role in some projects, or take it back.", role=Role.REPORTER, reply=managing.set_role, changes=True),
    Route("GET", f"{API}/audit", "audit", managing.AuditRequest, tuple[AuditEntry, ...], "Who changed or deleted what, newest first.", role=Role.OWNER, reply=managing.audit),
    # For programs of Anew: each method of the backend.
    _ask("about", Nothing, About, "See `Backend.about`.", reply=asking.about),
    _ask("resolve", ResolveQuestion, tuple[Resolved, ...], "Which experiments some texts mean.", reply=asking.resolve),
    _ask("select", Question, Selected, "Which experiments meet a condition, in which order, with which columns.", reply=asking.select),
    _ask("facts", FactsQuestion, tuple[ExperimentFacts, ...], "What is known of experiments one by one.", reply=asking.facts),
    _ask("names", NamesQuestion, tuple[Name, ...], "Which names there are, or which values a field has.", reply=asking.names),
    _ask("points", PointsQuestion, Points, "Points of metrics as they were written.", stream=asking.points, arrays=True),
    _ask("panel", PanelQuestion, Panel, "Metrics of many experiments on one grid.", reply=asking.panel, arrays=True),
    _ask("lines", LinesQuestion, Lines, "Messages or console output.", reply=asking.lines, arrays=True),
    _ask("open", ContentQuestion, Content, "A range of the bytes of something that an experiment keeps.", reply=asking.open_),
    _ask("documents", DocumentsQuestion, Documents, "What is kept beside the experiments.", reply=asking.documents),
    _ask("append", AppendQuestion, Appended, "Write edits down; each needs a role where it changes something.", reply=asking.append, changes=True),
    _ask("changes", ChangesQuestion, Changes, "Which experiments and documents have changed since a cursor; waits for a change if asked to.", stream=asking.changes),
    *commands_below(f"{API}/commands"),
    # Beside the addresses of the page.
    *BESIDE,
    Route("GET", f"{API}/weights", "weights", Nothing, Shown, "The branches and tags of the repository of weights.", reply=weights.shown),
    Route("POST", f"{API}/weights/objects", "weights-objects", weights.ObjectsRequest, tuple[Given, ...], "Objects of weights, whole, by their keys; as many as fit into one answer.", reply=weights.objects),
    Route("POST", f"{API}/weights/commits", "weights-commits", weights.CommitsRequest, tuple[str, ...], "The versions of weights whose hash starts with some digits.", reply=weights.commits),
    # For programs of Anew that send what they recorded.
    Route("GET", f"{API}/upload", "upload", Nothing, Welcome, "What a client has to know before it sends anything.", role=Role.WRITER, reply=receiving.welcome),
    _upload("experiments", FilingRequest, FilingAnswer, "Make room for experiments, and tell what of them is there.", receiving.file),
    _upload("segments", FramesRequest, FramesAnswer, "Append bytes to segments, at their offsets.", receiving.frames),
    _upload("read", ReadRequest, ReadAnswer, "Bytes of a segment.", receiving.read),
    _upload("names", NamingRequest, NamingAnswer, "Give names to contents of files that have arrived.", receiving.names),
    _upload("arrived", ArrivedRequest, ArrivedAnswer, "How much of some contents has arrived.", receiving.contents),
    _upload("pieces", PieceRequest, Accepted, "Send a piece of a large content.", receiving.receive),
    _upload("weights/branches", BranchesRequest, BranchesAnswer, "Which versions of weights experiments have here.", weights.branches),
    _upload("weights/lacking", LackingRequest, LackingAnswer, "Which objects of weights are to be sent.", weights.lacking),
    _upload("weights/take", PackRequest, Kept, "Take a pack of objects that has arrived as a content.", weights.take),
    _upload("weights/move", BranchRequest, Kept, "Move the branch of an experiment to a commit that has arrived.", weights.move),
    _upload("events", RootEventsRequest, RootEventsAnswer, "Send events of the root's journal.", receiving.lines),
    _upload("leases", LeasesRequest, LeaseAnswer, "Say that writers are alive; the answer tells which experiments are to stop.", receiving.leases),
    _upload("settle", Nothing, Settled, "Wait until everything that was accepted is on the disk.", receiving.settle),
    # For whoever runs the server.
    Route("GET", "/metrics", "metrics", Nothing, str, "How much the server is asked, in the text format of Prometheus.", stream=health.metrics, media="text/plain"),
    # For clients of other trackers.
    *DASH_ROUTES,
    *MLFLOW_ROUTES,
)  # fmt: skip
