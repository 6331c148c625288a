"""azure-native:cdn: RuleSet and Rule, the changes that Front Door makes to headers.

Of Front Door's actions and conditions there are only those that this project declares.
"""

from __future__ import annotations

from typing import Any, ClassVar

from localazure.control_plane import Record
from localazure.provider.control_plane_resource import Write
from localazure.provider.front_door import PROFILE, FrontDoorResource, refuse_in_use
from localazure.provider.properties import Limit, Limits
from localazure.values import Props

RULE_SET = f"{PROFILE}/ruleSets/{{ruleSetName}}"
# "Azure Front Door limits": in one rule.
MOST_ACTIONS, MOST_CONDITIONS = 5, 10


def _name(longest: int) -> Limit:
    return Limit(
        pattern=rf"[A-Za-z][A-Za-z0-9]{{0,{longest - 1}}}",
        rule=f"1 to {longest} letters and digits, the first a letter",
    )


class RuleSet(FrontDoorResource):
    token = "azure-native:cdn:RuleSet"
    id_format = RULE_SET
    limits: ClassVar[Limits] = {"ruleSetName": _name(60)}

    def validate_delete(self, content: Record, record: Record) -> None:
        refuse_in_use(content, record, "ruleSets")


class Rule(FrontDoorResource):
    token = "azure-native:cdn:Rule"
    id_format = f"{RULE_SET}/rules/{{ruleName}}"
    limits: ClassVar[Limits] = {
        "actions": Limit(least=1, most=MOST_ACTIONS),
        "actions[].parameters.headerName": Limit(
            pattern=r"[!#$%&'*+.^_`|~\w-]+", rule="a header's name"
        ),
        "conditions": Limit(most=MOST_CONDITIONS),
        "order": Limit(low=0),
        "ruleName": _name(260),
    }
    needed = ("actions", "order")
    unique = "order"
    defaults: ClassVar[Props] = {"matchProcessingBehavior": "Continue"}

    def validate(self, write: Write) -> None:
        for index, action in enumerate(write.inputs["actions"]):
            self._refuse_action(f"actions[{index}]", action["parameters"])
        for index, condition in enumerate(write.inputs.get("conditions") or []):
            self._refuse_condition(f"conditions[{index}]", condition["parameters"])

    def _refuse_action(self, path: str, parameters: dict[str, Any]) -> None:
        header = parameters["headerAction"]
        if header in ("Append", "Overwrite") and not parameters.get("value"):
            raise self.bad_request(f"'{path}.parameters.value' is missing: {header} needs one.")

    def _refuse_condition(self, path: str, parameters: dict[str, Any]) -> None:
        values, operator = parameters.get("matchValues") or [], parameters["operator"]
        if (operator == "Any") == bool(values):
            rule = "Any takes none" if values else f"{operator} needs one"
            raise self.bad_request(f"'{path}.parameters.matchValues' cannot be {values}: {rule}.")
        if not parameters.get("selector"):
            raise self.bad_request(f"'{path}.parameters.selector' is missing: the header's name.")
