#!/usr/bin/env python3
"""Writes the schemas of custom resources that the tests hold manifests against, as their projects publish them.

Takes the definitions out of the projects' Go modules (go mod download), and of each the schema of one version, without
descriptions and status. Needs Go and PyYAML. Run it after a change of VERSIONS.
"""

import json
import pathlib
import subprocess

import yaml

VERSIONS = [  # module, version, file of the definition, version of the API
    ("github.com/prometheus-operator/prometheus-operator", "v0.85.0",
     "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml", "v1"),
    ("github.com/prometheus-operator/prometheus-operator", "v0.85.0",
     "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml", "v1"),
    ("github.com/kedacore/keda/v2", "v2.21.0", "config/crd/bases/keda.sh_scaledobjects.yaml", "v1alpha1"),
    ("sigs.k8s.io/gateway-api", "v1.6.3", "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml", "v1"),
    ("sigs.k8s.io/gateway-api-inference-extension", "v1.0.0",
     "config/crd/bases/inference.networking.k8s.io_inferencepools.yaml", "v1"),
    ("github.com/kserve/kserve", "v0.15.2", "config/crd/full/serving.kserve.io_servingruntimes.yaml", "v1alpha1"),
]


def without_descriptions(node, in_properties=False):
    if isinstance(node, list):
        return [without_descriptions(n) for n in node]
    if not isinstance(node, dict):
        return node
    return {k: without_descriptions(v, k == "properties" and not in_properties) for k, v in node.items()
            if k != "description" or in_properties}


for module, version, file, api in VERSIONS:
    answer = subprocess.run(["go", "mod", "download", "-json", f"{module}@{version}"], check=True, capture_output=True)
    definition = yaml.safe_load((pathlib.Path(json.loads(answer.stdout)["Dir"]) / file).read_text())
    spec = definition["spec"]
    schema = next(v for v in spec["versions"] if v["name"] == api)["schema"]["openAPIV3Schema"]
    schema["properties"].pop("status", None)
    kind = spec["names"]["kind"]
    out = {
        "type": f"{spec['group']}/{api} {kind}",
        "source": f"{module}@{version}/{file}",
        "license": "Apache-2.0",
        "openAPIV3Schema": without_descriptions(schema),
    }
    path = pathlib.Path(__file__).with_name(f"{kind.lower()}.json")
    path.write_text(json.dumps(out, separators=(",", ":")).replace('"openAPIV3Schema"', '\n"openAPIV3Schema"') + "\n")
    print(path.name, path.stat().st_size)
