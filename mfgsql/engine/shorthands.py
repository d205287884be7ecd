"""The verbs that one types most, as methods of a session: those that act return rows, the others lazy tables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Shorthands(ABC):
    """Methods over `verb` and `table`; named arguments are those of SQL."""

    @abstractmethod
    def verb(self, name: str, /, *args: Any, **named: Any) -> dict[str, Any] | list[dict[str, Any]]:
        """See `Session.verb`."""

    @abstractmethod
    def table(self, name: str, /, *args: Any, **named: Any) -> Any:
        """See `Session.table`."""

    def pretrain(self, model: str, source: str, **named: Any) -> Any:
        """``FROM ml_pretrain(...)``, executed once."""
        return self.verb("pretrain", model, source, **named)

    def finetune(self, model: str, source: str, *, target: str | None = None, **named: Any) -> Any:
        """``FROM ml_finetune(...)``, executed once; a detector of anomalies has no target."""
        return self.verb("finetune", model, source, target=target, **named)

    def tune(self, model: str, source: str, *, target: str | None = None, **named: Any) -> Any:
        """``FROM ml_tune(...)``, executed once; ``budget`` may be a `timedelta`."""
        return self.verb("tune", model, source, target=target, **named)

    def adapt(self, model: str, source: str, **named: Any) -> Any:
        """``FROM ml_adapt(...)``, executed once."""
        return self.verb("adapt", model, source, **named)

    def distill(self, model: str, source: str, **named: Any) -> list[dict[str, Any]]:
        """``FROM ml_distill(...)``, executed once; a list of rows, the teacher's first."""
        rows = self.verb("distill", model, source, **named)
        return rows if isinstance(rows, list) else [rows]

    def check(self, source: str, **named: Any) -> Any:
        """``FROM ml_check(...)``, executed once."""
        return self.verb("check", source, **named)

    def drivers(self, source: str, *, target: str, **named: Any) -> list[dict[str, Any]]:
        """``FROM ml_drivers(...)``, executed once; a list of rows, however many."""
        rows = self.verb("drivers", source, target=target, **named)
        return rows if isinstance(rows, list) else [rows]

    def predict(self, model: str, source: str, **named: Any) -> Any:
        """``FROM ml_predict(...)`` as a lazy ibis table."""
        return self.table("predict", model, source, **named)

    def recommend(self, model: str | list[str], source: str, *, adjust: Any, **named: Any) -> Any:
        """``FROM ml_recommend(...)`` as a lazy ibis table."""
        return self.table("recommend", model, source, adjust=adjust, **named)

    def detect_anomalies(self, model: str, source: str, **named: Any) -> Any:
        """``FROM ml_detect_anomalies(...)`` as a lazy ibis table."""
        return self.table("detect_anomalies", model, source, **named)

    def maintenance_plan(self, model: str, source: str, **named: Any) -> Any:
        """``FROM ml_maintenance_plan(...)`` as a lazy ibis table."""
        return self.table("maintenance_plan", model, source, **named)

    def forecast(self, model: str, source: str, **named: Any) -> Any:
        """``FROM ml_forecast(...)`` as a lazy ibis table."""
        return self.table("forecast", model, source, **named)

    def backtest(self, model: str, source: str, **named: Any) -> list[dict[str, Any]]:
        """``FROM ml_backtest(...)``, executed once; a list of rows."""
        rows = self.verb("backtest", model, source, **named)
        return rows if isinstance(rows, list) else [rows]

    def order_policy(self, model: str, source: str, *, lead_time: str | float, **named: Any) -> Any:
        """``FROM ml_order_policy(...)`` as a lazy ibis table."""
        return self.table("order_policy", model, source, lead_time=lead_time, **named)

    def supplier_risk(self, source: str, **named: Any) -> Any:
        """``FROM ml_supplier_risk(...)`` as a lazy ibis table."""
        return self.table("supplier_risk", source, **named)

    def countermeasures(
        self, model: str, source: str, *, stock: str, purchases: str, costs: dict[str, float], **named: Any
    ) -> Any:
        """``FROM ml_countermeasures(...)`` as a lazy ibis table."""
        return self.table("countermeasures", model, source, stock=stock, purchases=purchases, costs=costs, **named)

    def spans(self, model: str, source: str, **named: Any) -> Any:
        """``FROM ml_spans(...)`` as a lazy ibis table."""
        return self.table("spans", model, source, **named)

    def embed(self, model: str, source: str, **named: Any) -> Any:
        """``FROM ml_embed(...)`` as a lazy ibis table."""
        return self.table("embed", model, source, **named)

    def search(self, model: str, source: str, query: str, **named: Any) -> Any:
        """``FROM ml_search(...)`` as a lazy ibis table."""
        return self.table("search", model, source, query=query, **named)

    def similar(self, model: str, source: str, *, key: str, **named: Any) -> Any:
        """``FROM ml_similar(...)`` as a lazy ibis table."""
        return self.table("similar", model, source, key=key, **named)

    def evaluate(self, model: str, source: str, **named: Any) -> Any:
        """``FROM ml_evaluate(...)`` as a lazy ibis table."""
        return self.table("evaluate", model, source, **named)

    def compare(self, a: str, b: str, source: str, **named: Any) -> Any:
        """``FROM ml_compare(...)`` as a lazy ibis table."""
        return self.table("compare", a, b, source, **named)

    def label_queue(self, model: str, source: str, **named: Any) -> Any:
        """``FROM ml_label_queue(...)`` as a lazy ibis table."""
        return self.table("label_queue", model, source, **named)

    def promote(self, model: str, **named: Any) -> Any:
        """``FROM ml_promote(...)``, executed once."""
        return self.verb("promote", model, **named)

    def rollback(self, model: str, **named: Any) -> Any:
        """``FROM ml_rollback(...)``, executed once."""
        return self.verb("rollback", model, **named)
    def drift(self, model: str, source: str, **named: Any) -> list[dict[str, Any]]:
        """``FROM ml_drift(...)``, executed once; a list of rows."""
        rows = self.verb("drift", model, source, **named)
        return rows if isinstance(rows, list) else [rows]

    def thresholds(self, model: str, source: str, **named: Any) -> Any:
        """``FROM ml_thresholds(...)`` as a lazy ibis table."""
        return self.table("thresholds", model, source, **named)

    def labels(self, source: str, failures: str | None = None, *, entity: str, order_by: str, **named: Any) -> Any:
        """``FROM ml_labels(...)`` as a lazy ibis table."""
        return self.table("labels", source, failures=failures, entity=entity, order_by=order_by, **named)

    def allocate(self, supply: str, demand: str, cost: str, **named: Any) -> Any:
        """``FROM ml_allocate(...)`` as a lazy ibis table."""
        return self.table("allocate", supply=supply, demand=demand, cost=cost, **named)

    def bottlenecks(self, source: str, *, station: str, **named: Any) -> Any:
        """``FROM ml_bottlenecks(...)`` as a lazy ibis table."""
        return self.table("bottlenecks", source, station=station, **named)

    def whatif(
        self, source: str, *, case_id: str, station: str, started: str, finished: str, **named: Any
    ) -> list[dict[str, Any]]:
        """``FROM ml_whatif(...)``, executed once; a list of rows."""
        log = {"case_id": case_id, "station": station, "started": started, "finished": finished}
        rows = self.verb("whatif", source, **log, **named)
        return rows if isinstance(rows, list) else [rows]

    def generate(self, model: str, **named: Any) -> Any:
        """``FROM ml_generate(...)`` as a lazy ibis table."""
        return self.table("generate", model, **named)

    def capability(self, source: str, *, field: str, **named: Any) -> Any:
        """``FROM ml_capability(...)`` as a lazy ibis table."""
        return self.table("capability", source, field=field, **named)

    def control_chart(self, source: str, *, field: str | list[str], order_by: str, **named: Any) -> Any:
        """``FROM ml_control_chart(...)`` as a lazy ibis table."""
        return self.table("control_chart", source, field=field, order_by=order_by, **named)

    def events(self, source: str, events: str, *, entity: str, order_by: str, **named: Any) -> Any:
        """``FROM ml_events(...)`` as a lazy ibis table."""
        return self.table("events", source, events, entity=entity, order_by=order_by, **named)
