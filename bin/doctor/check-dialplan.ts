import { readFile } from "node:fs/promises";
import path from "node:path";
import type { DialplanStep } from "../../agi/ami.ts";
import { sameSecret } from "../../agi/server.ts";
import { type AsteriskTold, DIALPLAN_MODULES } from "./ask-asterisk.ts";
import { type Finding, unknown, well, wrong } from "./finding.ts";

const SHIPPED = path.resolve(import.meta.dirname, "../../asterisk-config/extensions.conf");
/** Differences that are named; of more, the number is told. */
const NAMED_MAX = 3;

/** Whether the dialplan that runs is the one that this version ships, with all that its steps call, and knows our secret. */
export async function checkDialplan(told: AsteriskTold, agiSecret: string | null): Promise<readonly Finding[]> {
  return [
    checkSteps(told.steps, stepsOf(await readFile(SHIPPED, "utf8"))),
    checkModules(told),
    checkSecret(told, agiSecret),
  ];
}

function checkSteps(running: readonly DialplanStep[], shipped: readonly DialplanStep[]): Finding {
  const byPlace = new Map(running.map((step) => [placeOf(step), step]));
  const off = shipped.filter((step) => {
    const found = byPlace.get(placeOf(step));
    return !found || found.application !== step.application || found.data !== step.data || found.label !== step.label;
  });
  if (off.length === 0) return well("dialplan.steps", `all ${shipped.length} steps of this version run`);
  const named = off.slice(0, NAMED_MAX).map(placeOf).join("; ");
  const found = `${off.length} of ${shipped.length} steps are missing or differ from this version's: ${named}`;
  const mend =
    "Copy asterisk-config/extensions.conf to Asterisk's configuration again, and «asterisk -rx 'dialplan reload'».";
  return wrong("dialplan.steps", found, mend);
}

function placeOf({ context, extension, priority }: DialplanStep): string {
  return `${context},${extension},${priority}`;
}

function checkModules({ missingModules }: AsteriskTold): Finding {
  const check = "dialplan.modules";
  if (!missingModules)
    return unknown(check, "because func_module isn't loaded", "Copy asterisk-config/modules.conf again.");
  const missing = DIALPLAN_MODULES.filter((name) => missingModules.has(name));
  if (missing.length === 0) return well(check, "all that it calls are loaded");
  const mend = "Copy asterisk-config/modules.conf to Asterisk's configuration again, and restart Asterisk.";
  return wrong(check, `not loaded: ${missing.join(", ")}`, mend);
}

function checkSecret({ agiSecret }: AsteriskTold, ours: string | null): Finding {
  const check = "dialplan.secret";
  if (ours === null) return unknown(check, "because ours isn't known: the configuration is wrong");
  if (sameSecret(agiSecret, ours)) return well(check, "is ours");
  const found = agiSecret === "" ? "P2P_SECRET isn't set" : "P2P_SECRET isn't our PHONE2PAY_AGI_SECRET";
  const mend =
    "Give P2P_SECRET in site.d/extensions.conf the value of PHONE2PAY_AGI_SECRET, and «asterisk -rx 'dialplan reload'».";
  return wrong(check, found, mend);
}

/** The steps of our own extensions.conf, which has one way of writing them: `exten =>` for the first, `same =>` for the rest. */
function stepsOf(text: string): readonly DialplanStep[] {
  const steps: DialplanStep[] = [];
  let context = "";
  let extension = "";
  let priority = 0;
  for (const line of text.split("\n")) {
    context = /^\[(.+)\]$/.exec(line)?.[1] ?? context;
    const step = /^(?:exten => ([^,]+),1|\s*same => n(?:\((\w+)\))?),(\w+)\((.*)\)$/.exec(line);
    if (!step) continue;
    const [, first, label = "", application = "", data = ""] = step;
    extension = first ?? extension;
    priority = first === undefined ? priority + 1 : 1;
    steps.push({ context, extension, priority, label, application, data });
  }
  return steps;
}
