"""What a root's journal adds up to, as the answer to a question."""

from __future__ import annotations

from ...journal.documents import RootJournal
from ...query.documents import Documents, DocumentsQuestion

__all__ = ["answer_documents"]


def answer_documents(journal: RootJournal, question: DocumentsQuestion) -> Documents:
    """The documents, versions, aliases or models that are asked for.

    Raises:
        OSError: The journal cannot be read.
    """
    kind, name, scope = question.kind, question.name, question.scope
    match question.what:
        case "document":
            documents = journal.documents(
                kind, name=name, scope=scope, gone=question.gone, history=question.history
            )
            return Documents(documents=tuple(documents))
        case "version":
            return Documents(versions=tuple(journal.versions(kind, name, scope=scope)))
        case "alias":
            return Documents(aliases=tuple(journal.aliases(kind, name, scope=scope)))
        case "model":
            found = journal.models(name, scope=scope, gone=question.gone, history=question.history)
            return Documents(models=tuple(found))
