# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether a version of an add-on knows a configuration and service accounts; asked before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.deepobs.eks.plugins.module_utils.addon_catalogue import Interface
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError

_MOST_COMPLAINTS = 5


def check_configuration(configuration: dict[str, Any], interface: Interface, what: str, kept: bool = False) -> None:
    """Raises DeepobsError that lists what the published schema finds wrong, each with its path.

    `kept` says that it is the present configuration, which another version is to take over.
    """
    found = sorted(_complaints(configuration, interface.schema))
    if not found:
        return
    complaints = "; ".join(found[:_MOST_COMPLAINTS])
    more = f"; and {len(found) - _MOST_COMPLAINTS} more" if len(found) > _MOST_COMPLAINTS else ""
    whose = "the present configuration, which would be kept," if kept else "configuration"
    raise DeepobsError(
        f"{whose} does not fit the schema of add-on {what}, nothing was written: {complaints}{more}."
        f"{' Give configuration as this version wants it.' if kept else ''}"
        " The schema is that of 'aws eks describe-addon-configuration'."
    )


def check_service_accounts(associations: list[dict[str, str]], interface: Interface, what: str) -> None:
    """Raises DeepobsError for a service account that the add-on does not run as."""
    for association in associations:
        if association["service_account"] not in interface.service_accounts:
            known = ", ".join(interface.service_accounts) or "none"
            raise DeepobsError(
                f"pod_identity_associations: add-on {what} has no service account {association['service_account']!r}"
                f" for Pod Identity. It has: {known}."
            )


def _complaints(configuration: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    # Imported where it is wanted: an add-on that is as it should be is told so without the time this takes.
    try:
        from jsonschema.validators import validator_for
        from referencing import Registry
        from referencing.exceptions import Unresolvable
    except ImportError as error:
        reason = "to check configuration before it is sent"
        raise DeepobsError(missing_required_lib("jsonschema", reason=reason)) from error
    # What a schema leaves to other documents EKS alone can judge: with no registry they would be looked for on the net.
    with suppress(Unresolvable):
        for complaint in validator_for(schema)(schema, registry=Registry()).iter_errors(configuration):
            yield f"configuration{complaint.json_path.removeprefix('$')}: {complaint.message}"
