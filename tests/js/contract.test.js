import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import * as contract from "../../webapp/static/js/audio/contract.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PYTHON = existsSync(`${ROOT}.venv/bin/python`) ? `${ROOT}.venv/bin/python` : "python3";

/** Prints every name of contract/messages.py that this file compares, as JSON. */
const PRINT = `
import json
from dataclasses import asdict
from contract import messages

def values(prefix):
    return [value for name, value in vars(messages).items() if name.startswith(prefix)]

print(json.dumps({
    "AGENT_NAME": messages.AGENT_NAME,
    "METER_TOPIC": messages.METER_TOPIC,
    "ATTRIBUTES": values("ATTRIBUTE_"),
    "AGENT_STATES": messages.AGENT_STATES,
    "RECORDING_STATES": messages.RECORDING_STATES,
    "RPC_METHODS": values("RPC_"),
    "QUALITIES": {name: asdict(quality) for name, quality in messages.QUALITIES.items()},
    "USUAL_QUALITY": messages.USUAL_QUALITY,
}))
`;

test("the pages and the noise remover agree on every name and number", () => {
  const python = JSON.parse(execFileSync(PYTHON, ["-c", PRINT], { cwd: ROOT, encoding: "utf8" }));
  const values = Object.entries(contract).filter(([, value]) => typeof value !== "function");
  assert.deepEqual(Object.fromEntries(values), python);
});
