"""What moto's databases lack: parameters that go back to what they were, and a group of subnets that is still there once it was changed."""

from __future__ import annotations

from typing import Any


def install() -> None:
    """Add the missing call to moto's RDS, and keep what it loses."""
    from moto.core.responses import ActionResult
    from moto.rds.models import RDSBackend
    from moto.rds.responses import RDSResponse

    changed = RDSBackend.modify_db_subnet_group

    def modify_db_subnet_group(self: Any, subnet_name: str, description: str, subnets: list[Any]) -> Any:
        one = changed(self, subnet_name, description, subnets)
        self.subnet_groups[subnet_name] = one
        return one

    def reset_db_parameter_group(self: Any) -> Any:
        name = self.params["DBParameterGroupName"]
        self.backend.modify_db_parameter_group(name, [])  # refuses one that is not there
        held = self.backend.db_parameter_groups[name].parameters
        for each in self.params.get("Parameters", []):
            held.pop(each["ParameterName"], None)
        return ActionResult({"DBParameterGroupName": name})

    RDSBackend.modify_db_subnet_group = modify_db_subnet_group
    RDSResponse.reset_db_parameter_group = reset_db_parameter_group  # ty: ignore[missing-attribute]
