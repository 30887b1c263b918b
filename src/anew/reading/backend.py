"""The one seam for reading: what `Store`, the command line, the page and a server ask, wherever the answers come from.

Each method takes one frozen question and gives one frozen answer. Both can be encoded (see `reading.wire`), so that a
question may be answered in another process or on another machine. There is nothing in them that means something on one machine
alone: experiments go by their ids, files by their paths within an experiment, and what does go by a path on this
machine says so in `About.root`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the answers about points are arrays, and those who list do without
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
    from ..record.facts import ExperimentFacts

__all__ = ["Backend"]


class Backend(Protocol):
    """Answers questions about experiments.

    Promises:

    - *Threads.* Any number of threads may ask at once.
    - *Fresh.* `select`, `resolve`, `names` and `changes` first take in what was written since the last question.
      The others, which go by ids that one of these gave, answer from what is known already; what they read of files
      is as of now.
    - *Snapshots.* An answer never changes. It is made from one state of the catalog; two answers may come from two
      states, so an experiment that one names may be gone when the next is asked: it is then left out, or NotFound
      is raised where a single one was asked about.
    - *Cursors* are opaque texts. One that did not come from this backend raises InvalidValue, or gives everything.
    - *Errors.* `QueryError` for a filter, field or pattern that cannot be read; `NotFound` for what is not there;
      `InvalidValue` and `InvalidName` for what no question or edit may hold; `OSError` when the place cannot be
      reached. One experiment that cannot be read never keeps an answer about others from coming: it is left out,
      and the answer says so where it has a field for that.
    - *Whole.* What an answer gives is worked out from everything that was recorded, never from a sample.
    """

    def about(self) -> About:
        """What this backend is, and what can be done there. It is the same for as long as the backend is open."""
        ...

    def resolve(self, question: ResolveQuestion) -> tuple[Resolved, ...]:
        """Which experiments some texts mean, an entry for each text."""
        ...

    def select(self, question: Question) -> Selected:
        """Which experiments meet a filter, in which order, with the columns asked for; or the groups of them.

        Raises:
            QueryError: The filter or a field cannot be read, or names what was never logged.
        """
        ...

    def facts(self, question: FactsQuestion) -> tuple[ExperimentFacts, ...]:
        """What is known of experiments one by one, in the order of the ids; those that are not there are left out."""
        ...

    def names(self, question: NamesQuestion) -> tuple[Name, ...]:
        """Which names there are (of metrics, parameters, tags …), or which values a field has, with counts."""
        ...

    def points(self, question: PointsQuestion) -> Points:
        """Points of metrics as they were written, or those written since a cursor."""
        ...

    def panel(self, question: PanelQuestion) -> Panel:
        """Metrics of many experiments on one grid, and groups of them.

        Raises:
            QueryError: The question's filter or the field to group by cannot be read.
            InvalidValue: It asks for no buckets, or for smoothing outside of [0, 1).
        """
        ...

    def lines(self, question: LinesQuestion) -> Lines:
        """Messages or console output, from either end or from a cursor.

        Raises:
            NotFound: There is no such experiment.
            InvalidValue: The cursor is not from an answer.
            QueryError: The pattern is no regular expression.
        """
        ...

    def open(self, question: ContentQuestion) -> Content:
        """Bytes of a logged file, a value or a capture.

        Raises:
            NotFound: There is no such experiment, or the file is gone.
            CorruptData: The record names a file that does not lie in the experiment's folder.
        """
        ...

    def documents(self, question: DocumentsQuestion) -> Documents:
        """What is kept beside the experiments: documents, versions of models and artifacts, and their aliases."""
        ...

    def append(self, question: AppendQuestion) -> Appended:
        """Write edits down, each as an event; what each did. The next answers know of them.

        Raises:
            NotFound: An edit is about an experiment that is not there.
            StillRunning: An experiment to be deleted is being written.
            InvalidName: A name, tag, scope or prefix cannot be kept.
            Conflict: What the edits write is not what `expect` says any more; nothing was written.
        """
        ...

    def changes(self, question: ChangesQuestion) -> Changes:
        """Which experiments and documents have changed since a cursor; waits for a change if asked to."""
        ...
