import json

from launcher.dependencies import shipped
from launcher.sbom import sbom


def test_it_lists_everything_that_is_shipped_and_is_the_same_each_time():
    made = json.loads(sbom())
    assert made["bomFormat"] == "CycloneDX"
    assert made["metadata"]["component"]["name"] == "stillair"
    assert [(one["name"], one["version"]) for one in made["components"]] == [(one.name, one.version) for one in shipped()]
    refs = [component["bom-ref"] for component in made["components"]]
    assert len(set(refs)) == len(refs) > 100
    assert made["dependencies"] == [{"ref": "stillair", "dependsOn": refs}]
    assert sbom() == sbom()
