"""`sidecar-plugin verify` with the user's own kubectl, as a person sees it."""

import json
import re

from tests.cluster.conftest import CHART
from tests.cluster.test_counter_proofs import job


def test_it_waits_for_a_job_and_shows_a_table(cluster, space, shell):
    (shell.folder / "job.json").write_text(json.dumps(job("import")))
    shell.output(
        "sidecar-plugin", "inject", "job.json", "--in-place", "--cluster-version=1.34", f"--values={CHART / 'values.yaml'}"
    )
    cluster.kubectl("apply", "-n", space, "-f", shell.folder / "job.json")
    assert shell.run("sidecar-plugin", "verify", "-n", space, "--wait", "0s").status == 1, "nothing is over yet"
    said = shell.output("sidecar-plugin", "verify", "-n", space, "--wait", "60s")
    assert [re.split(r"  +", line) for line in re.sub(r"import-\w+", "POD", said).splitlines()] == [
        ["POD", "AGENT", "DECLARATION", "STARTED", "EXIT", "APPLICATION", "RESTARTS", "VERDICT"],
        [f"{space}/POD", "recorder", "native", "first", "0", "0", "0", "ok"],
        [""],
        ["JOB", "STATE", "VERDICT"],
        [f"{space}/import", "Complete", "ok"],
    ]


def test_what_kubectl_says_reaches_the_user(cluster, space, shell):
    empty = shell.run("sidecar-plugin", "verify", "-n", space)
    assert (empty.status, empty.stdout) == (1, "")
    assert f"no pod and no Job with a sidecar in namespace {space}" in empty.stderr
    elsewhere = shell.run("sidecar-plugin", "verify", "--context", "nowhere")
    assert (elsewhere.status, elsewhere.stdout) == (1, "")
    assert "`kubectl version -o json --context=nowhere` ended with 1: " in elsewhere.stderr
    assert 'context "nowhere" does not exist' in elsewhere.stderr
