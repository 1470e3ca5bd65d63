"""What is added behind keys that have no colon either, `? key`, as an editor leaves them, stands behind them."""

import pytest
import yaml

from sidecar_plugin.errors import SidecarPluginError
from tests.support.injection import agents, inject, take_out

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  - name: app\n    image: x\n"
ENDINGS = (
    '    env:\n    - ? "name"\n',
    "    env:\n    - ? |\n       name\n",
    "    env:\n    - value: x\n      ? name\n",
    "    env:\n    - name: x\n      ? value\n      # of nothing\n",
    "    env:\n    - name: x\n      valueFrom:\n        ? fieldRef\n",
)
FOLLOWERS = (
    "",
    "    ports:\n    - containerPort: 80\n",
    "    # why\n    ports: []\n",
    "\n  restartPolicy: Always\n",
    "    ? tty\n",
)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("follower", FOLLOWERS)
def test_an_addition_stands_behind_a_key_without_a_value(ending: str, follower: str) -> None:
    text = POD + ending + follower
    after = inject(text, **agents("agent"))
    before, container = (yaml.safe_load(each)["spec"]["containers"][0] for each in (text, after))
    assert container["env"] == [*before["env"], {"name": "AGENT", "value": "true"}]
    assert container.get("ports") == before.get("ports")
    assert inject(after, **agents("agent")) == after
    assert take_out(after) == text


@pytest.mark.parametrize("text", ["    ? env\n", "    ? env\n    # of nothing: nothing\n    ports: []\n", "  ? volumes\n"])
def test_a_list_without_a_colon_is_refused(text: str) -> None:
    with pytest.raises(SidecarPluginError, match="leave it out") as caught:
        inject(POD + text, **agents("agent"))
    assert caught.value.place is not None
