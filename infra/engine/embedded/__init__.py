"""A small Pulumi engine in Python: plans any environment, applies `local` only.

For whoever writes a provider that this engine runs in process:

- A provider is a `pulumi.provider.experimental.Provider`; one object per provider resource, made by calling its class.
  Its methods may be called from several threads at once, each on an event loop of its own.
- After a killed run, and after a create that ended in `Unanswered`, the state holds `pending_operations`, each with the resource's
  urn, type and inputs. The next run asks the provider what became of them before it does anything else:
    * an update or a delete that had begun: `read` (return an empty `resource_id` for what is gone);
    * a create that had begun: the optional hook

          async def adopt(self, urn: str, type: str, inputs: Mapping[str, PropertyValue]) -> ReadResponse | None

      which looks for what that create may have made (by its deterministic name, its tags) and returns it as `read` would,
      with `resource_id`, `properties` and `inputs`, or None when nothing is there. A provider whose `create` can simply be
      repeated with the same inputs (it finds and returns what it made before) says `repeatable_creates = True` instead.
      A provider with neither cannot converge after a kill: the engine then refuses to go on and names the resources.
- `delete` of something already gone must succeed, and `update` must be repeatable.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.engine.embedded.engine import EmbeddedEngine

__all__ = ["EmbeddedEngine"]


def __getattr__(name: str) -> object:
    """Load the engine, and with it gRPC and pulumi, on first use only."""
    if name == "EmbeddedEngine":
        from infra.engine.embedded.engine import EmbeddedEngine

        return EmbeddedEngine
    raise AttributeError(name)
