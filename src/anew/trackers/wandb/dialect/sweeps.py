"""A sweep as `Api` shows it."""

from __future__ import annotations

from anew.errors import NotFound

from .errors import CommError, UsageError
from .filters import order_of
from .public_run import PublicRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .public_run import Source

__all__ = ["PublicSweep"]


class PublicSweep:
    """A sweep, as `Api().sweep` gives it."""

    def __init__(self, api: Source, number: str) -> None:
        self._api = api
        try:
            self.native = api.store.get(number)
        except NotFound as error:
            raise CommError(
                f"There is no sweep {number!r} in {api.store.root}.", name=number
            ) from error
        self.config: dict[str, Any] = self.native.captured.get("sweep", {})
        # At W&B the beginning of an id means nothing: here it might be that of a sweep by chance.
        if not self.config or number not in (self.native.id, self.native.prefix):
            raise CommError(f"The experiment {number!r} is not a sweep.", name=number)
        self.id = self.native.id
        self.name = self.native.name

    @property
    def runs(self) -> list[Any]:
        """Its runs, oldest first."""
        return [PublicRun(self._api, view) for view in self._api.store.get(self.id).children()]

    @property
    def order(self) -> str | None:
        """Best first, by the metric that the configuration names."""
        metric = self.config.get("metric") or {}
        if "name" not in metric:
            return None
        return f"{'-' if metric.get('goal') == 'maximize' else '+'}summary_metrics.{metric['name']}"

    def best_run(self, order: str | None = None) -> Any:
        """The best of its runs, by `order` or the metric of its configuration; None if there is none."""
        wanted = order or self.order
        if wanted is None:
            raise UsageError(
                "The sweep does not name a metric. Give an order: best_run(order='-summary_metrics.acc')."
            )
        found = order_of(wanted)(self.runs)
        return found[0] if found else None

    def __repr__(self) -> str:
        return f"<Sweep {self.id}>"
