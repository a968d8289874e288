#!/usr/bin/python
# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: stress_test
version_added: 0.1.0
short_description: Put the shop under load and show how it goes
description:
  - Runs a profile of the collection's load generator on the controller, and shows a line of progress every few seconds.
  - Reads the counters of both tiers, of the cache and of the X-Ray daemon before and after the load.
  - Writes C(parts/load.json), C(parts/counters.json) and C(parts/cache.json) in the run's directory, for the report.
  - Checks everything before the load begins. When the task is interrupted, the load ends with it.
author:
  - The deepobs.eks maintainers (@deepobs)
options:
  profile:
    description:
      - The name of a built-in profile, for example V(demo) or V(stress).
      - One of O(profile) and O(profile_file) is needed.
    type: str
  profile_file:
    description:
      - A profile of your own, a JSON file on the controller. It is run instead of O(profile).
    type: path
  frontend_url:
    description:
      - The storefront's address.
    type: str
    required: true
  backend_url:
    description:
      - The API's address. The cache's counters are read from its C(/metrics/cache).
    type: str
    required: true
  accounts_file:
    description:
      - The accounts the users share, a JSON file on the controller.
    type: path
    required: true
  secret_file:
    description:
      - A file on the controller with the secret that lifts the shop's rate limits.
    type: path
  run_dir:
    description:
      - The run's directory on the controller. It is created, and refused when it already holds a C(parts/load.json).
    type: path
    required: true
  python:
    description:
      - The Python interpreter with the load generator's dependencies.
      - By default the one Ansible runs with.
    type: path
  apps_dir:
    description:
      - The folder that holds the package C(loadtest).
      - By default the collection's own.
    type: path
  seed:
    description:
      - The seed of the users' choices, for runs that are to ask for the same things.
    type: int
  workers:
    description:
      - How many processes generate load.
    type: int
  fail_on_thresholds:
    description:
      - Whether the task fails when a threshold of the profile is missed. It does so after everything is written.
      - With V(false) look at RV(passed).
    type: bool
    default: true
  backend_metrics_urls:
    description:
      - Where the backend's counters are read, one address for each replica. By default O(backend_url) and C(/metrics).
    type: list
    elements: str
  frontend_metrics_urls:
    description:
      - Where the frontend's counters are read, one address for each replica. By default O(frontend_url) and
        C(/metrics).
    type: list
    elements: str
  daemon_url:
    description:
      - The address of an X-Ray daemon that tells its counters at C(/stats), for example V(http://127.0.0.1:2000).
      - Left out, the daemon's counters are null.
    type: str
  settle_seconds:
    description:
      - The longest time, in seconds, to wait after the load until the counters stand still and the daemon has sent
        everything.
    type: float
    default: 15
attributes:
  check_mode:
    support: full
    description: Says what it would run. Runs nothing, asks nothing and writes nothing.
  diff_mode:
    support: none
    description: Shows the difference it makes.
"""

EXAMPLES = r"""
- name: Put the shop under load and fail when it is too slow
  deepobs.eks.stress_test:
    profile: demo
    frontend_url: http://127.0.0.1:3000
    backend_url: http://127.0.0.1:4000
    accounts_file: /var/lib/deepobs/accounts.json
    run_dir: runs/20260131T093000Z-demo
    daemon_url: http://127.0.0.1:2000
  register: stress

- name: Put every replica under load, and decide later
  deepobs.eks.stress_test:
    profile: stress
    frontend_url: https://shop.example.com
    backend_url: https://api.shop.example.com
    accounts_file: accounts.json
    secret_file: secret
    run_dir: "runs/{{ run_name }}"
    backend_metrics_urls:
      - http://10.0.1.17:4000/metrics
      - http://10.0.2.31:4000/metrics
    fail_on_thresholds: false
  register: stress
"""

RETURN = r"""
command:
  description: The load generator's command line.
  returned: unless the test was refused or broke off
  type: list
  elements: str
  sample: [python, -m, loadtest, run, --profile, demo]
run_dir:
  description: The run's directory, absolute.
  returned: unless the test was refused or broke off
  type: str
  sample: /home/me/runs/20260131T093000Z-demo
started_at:
  description: When the load began, in ISO 8601 and UTC.
  returned: when the load ran to its end
  type: str
  sample: "2026-01-31T09:30:00.120000+00:00"
ended_at:
  description: When the load ended, in ISO 8601 and UTC.
  returned: when the load ran to its end
  type: str
  sample: "2026-01-31T09:31:02.980000+00:00"
passed:
  description: Whether all thresholds were kept.
  returned: when the load ran to its end
  type: bool
  sample: true
summary:
  description: The result in short.
  returned: when the load ran to its end
  type: dict
  contains:
    totals:
      description: Requests, errors, error_rate (0 to 1), requests_per_second, duration_seconds and bytes_received.
      returned: always
      type: dict
      sample:
        requests: 25012
        errors: 0
        error_rate: 0.0
        requests_per_second: 416.9
    latency_ms:
      description: Latencies in milliseconds by percentile, with min, mean and max.
      returned: always
      type: dict
      sample:
        p50: 12.1
        p95: 87.3
        p99: 130.2
thresholds:
  description: The profile's thresholds.
  returned: when the load ran to its end
  type: list
  elements: dict
  contains:
    name:
      description: What is limited.
      returned: always
      type: str
      sample: p95_ms
    limit:
      description: The limit.
      returned: always
      type: float
      sample: 500.0
    actual:
      description: The result; null where there is none.
      returned: always
      type: float
      sample: 87.3
    passed:
      description: Whether the limit was kept.
      returned: always
      type: bool
      sample: true
counters:
  description: What the servers counted between the start and the end of the load, probes and metrics left out.
  returned: when the load ran to its end
  type: dict
  contains:
    backend:
      description: The backend's requests, over all replicas.
      returned: always
      type: dict
      contains:
        requests:
          description: All of them.
          returned: always
          type: int
          sample: 25012
        routes:
          description: By method and route.
          returned: always
          type: dict
          sample:
            GET /api/catalog/products: 9012
    frontend:
      description: The frontend's requests, over all replicas.
      returned: always
      type: dict
      contains:
        requests:
          description: All of them.
          returned: always
          type: int
          sample: 5400
        routes:
          description: By method and route.
          returned: always
          type: dict
          sample:
            GET /products: 1800
    daemon:
      description: What the X-Ray daemon counted; queued is what it had not sent at the end. Null without O(daemon_url).
      returned: always
      type: dict
      sample:
        received: 30412
        sent: 30412
        dropped: 0
        queued: 0
    segments:
      description: How many X-Ray segments each tier sent and dropped; null where a tier does not trace.
      returned: always
      type: dict
      contains:
        backend_sent:
          description: Sent by the backend; null where it does not trace.
          returned: always
          type: int
          sample: 25012
        backend_dropped:
          description: Dropped by the backend; null where it does not trace.
          returned: always
          type: int
          sample: 0
        frontend_sent:
          description: Sent by the frontend; null where it does not trace.
          returned: always
          type: int
          sample: 5400
        frontend_dropped:
          description: Dropped by the frontend; null where it does not trace.
          returned: always
          type: int
          sample: 0
cache:
  description: The cache's lookups between the start and the end of the load.
  returned: when the load ran to its end
  type: dict
  contains:
    hits:
      description: Lookups that found something.
      returned: always
      type: int
      sample: 33845
    misses:
      description: Lookups that found nothing.
      returned: always
      type: int
      sample: 18
    hit_rate:
      description: Hits of all lookups, 0 to 1; 0 without any lookup.
      returned: always
      type: float
      sample: 0.9995
    total:
      description: All lookups.
      returned: always
      type: int
      sample: 33863
    source:
      description: Where the numbers are from.
      returned: always
      type: str
      sample: http://127.0.0.1:4000/metrics/cache, all processes, after minus before
"""
