# Copyright: Contributors to the deepobs.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How a module reaches a cluster: by the options of kubernetes.core's own modules."""

from __future__ import annotations

from typing import Any

from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.kubernetes_api import Cluster
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import get_api_client
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException


def kubernetes_module(argument_spec: dict[str, Any], **settings: Any) -> Any:
    """A module with these options and those by which kubernetes.core's modules find a cluster."""
    return AnsibleK8SModule(argument_spec=AUTH_ARG_SPEC | argument_spec, supports_check_mode=True, **settings)


def connect(module: Any) -> Cluster:
    """The cluster of the module's options. Raises DeepobsError where they name none."""
    try:
        return Cluster(get_api_client(module=module).client.client)
    except (CoreException, OSError, ValueError) as error:
        remedy = "Give kubeconfig and context, or host and api_key."
        raise DeepobsError(f"Failed to find a cluster: {error}. {remedy}") from error
