"""azure-native:cdn: RuleSet and Rule, what Front Door changes in requests and answers."""

from __future__ import annotations

from typing import Any, ClassVar

from localazure.control_plane import Record
from localazure.errors import ArmError
from localazure.provider.front_door import NESTED, PROFILE, FrontDoorResource, refuse_in_use
from localazure.provider.front_door_actions import ACTIONS, CONDITIONS
from localazure.provider.rules import (
    TEXT,
    Many,
    Number,
    Object,
    OneOf,
    Text,
)
from localazure.values import Props

RULE_SET = f"{PROFILE}/ruleSets/{{ruleSetName}}"
# "Azure Front Door limits": in one rule.
MOST_ACTIONS, MOST_CONDITIONS = 5, 10


def _name(longest: int) -> Text:
    return Text(
        pattern=rf"[A-Za-z][A-Za-z0-9]{{0,{longest - 1}}}",
        rule=f"1 to {longest} letters and digits, the first a letter",
    )


class RuleSet(FrontDoorResource):
    token: ClassVar[str] = "azure-native:cdn:RuleSet"
    arm_type: ClassVar[str] = "Microsoft.Cdn/profiles/ruleSets"
    id_format: ClassVar[str] = RULE_SET
    name_input: ClassVar[str] = "ruleSetName"
    shape: ClassVar[Object] = Object(
        {"profileName": TEXT, "resourceGroupName": TEXT, "ruleSetName": _name(60)}, required=NESTED
    )
    replaced_by: ClassVar[tuple[str, ...]] = ("ruleSetName", *NESTED)

    def validate_delete(self, content: Record, record: Record) -> None:
        refuse_in_use(content, record, "ruleSets")


class Rule(FrontDoorResource):
    token: ClassVar[str] = "azure-native:cdn:Rule"
    arm_type: ClassVar[str] = "Microsoft.Cdn/profiles/ruleSets/rules"
    id_format: ClassVar[str] = f"{RULE_SET}/rules/{{ruleName}}"
    name_input: ClassVar[str] = "ruleName"
    shape: ClassVar[Object] = Object(
        {
            "actions": Many(OneOf("name", ACTIONS), 1, MOST_ACTIONS),
            "conditions": Many(OneOf("name", CONDITIONS), most=MOST_CONDITIONS),
            "matchProcessingBehavior": Text(("Continue", "Stop")),
            "order": Number(0),
            "profileName": TEXT,
            "resourceGroupName": TEXT,
            "ruleName": _name(260),
            "ruleSetName": TEXT,
        },
        required=("ruleSetName", *NESTED),
        needed=("actions", "order"),
    )
    replaced_by: ClassVar[tuple[str, ...]] = ("ruleName", "ruleSetName", *NESTED)
    echoed: ClassVar[tuple[str, ...]] = ("ruleSetName",)
    defaults: ClassVar[Props] = {"matchProcessingBehavior": "Continue"}

    def validate(
        self, content: Record, resource_id: str, inputs: Props, before: Props | None
    ) -> None:
        for index, action in enumerate(inputs["actions"]):
            self._refuse_action(f"actions[{index}]", action["parameters"])
        for index, condition in enumerate(inputs.get("conditions") or []):
            self._refuse_condition(f"conditions[{index}]", condition)
        rules = resource_id.rpartition("/rules/")[0]
        for other in self.siblings(content, resource_id, rules):
            if other["order"] == inputs["order"]:
                raise ArmError(
                    409,
                    "Conflict",
                    f"Rule '{other['ruleName']}' of this rule set has the order {inputs['order']} "
                    "already: each rule needs its own.",
                )

    def _refuse_action(self, path: str, parameters: dict[str, Any]) -> None:
        header = parameters.get("headerAction")
        if header in ("Append", "Overwrite") and not parameters.get("value"):
            raise self.bad_request(f"'{path}.parameters.value' is missing: {header} needs one.")
        cache = parameters.get("cacheConfiguration") or {}
        overrides = str(cache.get("cacheBehavior", "")).startswith("Override")
        if overrides and not cache.get("cacheDuration"):
            raise self.bad_request(
                f"'{path}.parameters.cacheConfiguration.cacheDuration' is missing: "
                f"{cache['cacheBehavior']} needs one."
            )

    def _refuse_condition(self, path: str, condition: dict[str, Any]) -> None:
        parameters = condition["parameters"]
        values, operator = parameters.get("matchValues") or [], parameters["operator"]
        if (operator == "Any") == bool(values):
            rule = "Any takes none" if values else f"{operator} needs one"
            raise self.bad_request(f"'{path}.parameters.matchValues' cannot be {values}: {rule}.")
        selects = condition["name"] in ("Cookies", "PostArgs", "RequestHeader")
        if selects and not parameters.get("selector"):
            raise self.bad_request(
                f"'{path}.parameters.selector' is missing: which of the {condition['name']}."
            )
