"""The lock's notes, from which a later run reads what the lock guards."""

from __future__ import annotations

from infra.lock import MOST_NOTES, left_out, notes

GUID = "11111111-2222-3333-4444-555555555555"


def test_a_removed_resource_is_found_and_an_added_one_is_not() -> None:
    old = notes(["lifecycle", "container-media", f"contributor-{GUID}"])
    assert left_out(old, notes(["container-media", "log"])) == ["contributor-11111111", "lifecycle"]
    assert left_out(old, old) == []


def test_the_notes_of_a_lock_from_an_earlier_version_list_nothing() -> None:
    earlier = "The site's static files and uploads. Managed by Pulumi: setting 'lock'."
    assert left_out(earlier, notes(["lifecycle"])) == []


def test_notes_of_many_are_short_enough_and_still_found_again() -> None:
    few = [f"contributor-{number:08x}{GUID[8:]}" for number in range(5)]
    many = [f"contributor-{number:08x}{GUID[8:]}" for number in range(60)]
    assert len(notes(many)) <= MOST_NOTES
    assert left_out(notes(few), notes(many)) == []
    assert len(left_out(notes(many), notes(many[1:]))) == 1
    assert len(left_out(notes(many), notes(few))) == 55
    assert len(notes([*many, *(f"other-{number}" for number in range(900))])) <= MOST_NOTES
