/** JSON between programs: agents' calls and answers, tickets, statuses, first contacts, administration; shares in their slots. */
import type { z } from "zod";
import { ADMIN_ARGS } from "../../../broker/admin-schema.ts";
import { decodeRecord, encodeRecord } from "../../../broker/escrow-record.ts";
import {
  CALL_BYTES_MAX,
  CALL_SCHEMAS,
  conditionSchema,
  presenceSchema,
  REPLY_SCHEMAS,
  refusalSchema,
  ticketSchema,
} from "../../../wire/agent-call.ts";
import {
  claimReplySchema,
  claimRequestSchema,
  inviteReplySchema,
  inviteRequestSchema,
} from "../../../wire/enrol.ts";
import { encodeJson, parseJson } from "../../../wire/json.ts";
import { endSchema, statusSchema } from "../../../wire/status.ts";
import { bytesOf, choose, claim, claimSame, type FuzzTarget } from "../target.ts";

const SCHEMAS: readonly z.ZodType[] = [
  ...Object.values(CALL_SCHEMAS),
  ...Object.values(REPLY_SCHEMAS),
  refusalSchema,
  ticketSchema,
  conditionSchema,
  presenceSchema,
  statusSchema,
  endSchema,
  claimRequestSchema,
  claimReplySchema,
  inviteRequestSchema,
  inviteReplySchema,
  ...Object.values(ADMIN_ARGS),
];
const REF = '"user":"alice","job":"0000-aaaa"';
const SHARE = Buffer.alloc(32, 7).toString("base64");
const TAG = Buffer.alloc(16, 7).toString("base64");
const EVENT = `{"id":"7c9e6679-7425-40de-944b-e07fc1f90ae7",${REF},"state":"held","reason":null,"printer":null,"at":1,"bytes":7,"final":false}`;
/** At least one that passes for each kind of message; which schema takes it is found when the seeds are made. */
const EXAMPLES = [
  '{"rid":"1","version":"0.1.0","printers":[{"name":"lobby","languages":["pdf"],"raw":true}]}',
  '{"rid":"1"}',
  '{"rid":"1","csr":"-----BEGIN CERTIFICATE REQUEST-----"}',
  `{${REF},"from":0,"window":16}`,
  `{"rid":"1","shares":[{${REF},"attempt":"0123456789abcdef","tag":"${TAG}","share":"${SHARE}","expires":9}]}`,
  `{"rid":"1","asks":[{${REF},"attempt":"0123456789abcdef","tag":"${TAG}"}]}`,
  `{"rid":"1","events":[${EVENT}]}`,
  `{"rid":"1",${REF},"printer":"lobby"}`,
  '{"rid":"1","time":1795000000,"agent":"lobby","printers":["lobby"]}',
  `{"rid":"1","share":"${SHARE}","shares":["${SHARE}",null],"certificate":"x","results":["stored"],"confirmed":[],"granted":true}`,
  '{"rid":"1","refused":"throttled","retryAfter":3}',
  `{${REF},"target":"lobby","printers":["lobby"],"want":"take","reason":null,"parts":1,"bytes":9,"expires":null,"otp":8,"group":false}`,
  '{"printers":[{"name":"lobby","ready":"no","reason":"paper","at":1}],"warnings":["tamper"]}',
  '{"state":"here"}',
  '{"state":"receiving","reason":null,"at":1,"progress":5,"missing":[[0,3]],"printers":{"lobby":"held"}}',
  '{"parts":2,"bytes":100000,"expires":1795000000}',
  `{"csr":"x","recipient":"age1${"q".repeat(58)}","bootShare":"${SHARE}"}`,
  '{"ok":true,"agent":"lobby","printers":["lobby"],"certificate":"x","ca":"x"}',
  '{"ok":false,"sentence":"no"}',
  `{"password":"${"p".repeat(43)}"}`,
  '{"ok":true,"user":"alice","ca":"x"}',
  '{"name":"lobby","printers":["a","b"],"standard":true,"bundle":"{}","limit":5,"user":"alice","job":"x"}',
  '{"name":"lobby"}',
];

/** Any bytes as names: what can be written can be read. */
function writeShare(bytes: Buffer): void {
  const third = Math.min(255, Math.floor(bytes.length / 3));
  const nameAt = (at: number) => bytes.toString("latin1", at * third, (at + 1) * third);
  const [agent, user, job] = [nameAt(0), nameAt(1), nameAt(2)];
  const secrets = { tag: Buffer.alloc(16, 1), share: Buffer.alloc(32, 2) };
  const record = { agent, user, job, attempt: "0123456789abcdef", expires: bytes.length, ...secrets };
  claimSame(decodeRecord(encodeRecord(record)), record, "a share that was written can be read");
}

function judgeShare(bytes: Buffer): void {
  writeShare(bytes);
  const record = decodeRecord(bytes);
  if (!record) return;
  claim(record.tag.length === 16 && record.share.length === 32, "a share has its sizes");
  claim(/^[0-9a-f]{16}$/.test(record.attempt), "an attempt is named");
  const { agent, user, job } = record;
  claimSame(decodeRecord(encodeRecord(record)), record, "a share can be written again");
  claim(agent.length + user.length + job.length < bytes.length, "names are its own bytes");
}

export const target: FuzzTarget = {
  about: "JSON between programs, and shares in their slots",
  maxBytes: 2048,
  words: [
    ...new Set(EXAMPLES.join().match(/"[a-zA-Z]+":/g)),
    "__proto__",
    "null",
    "[]",
    "{}",
    "1e400",
    "-0",
    "\\ud800",
  ],
  seeds: () => {
    const examples = EXAMPLES.map(bytesOf);
    const fits = SCHEMAS.flatMap((schema, at) =>
      examples
        .filter((bytes) => parseJson(bytes, CALL_BYTES_MAX, schema) !== null)
        .map((bytes) => choose(at + 1, bytes)),
    );
    const names = ["lobby", "alice", "0000-aaaa"].flatMap((name) => [Buffer.of(name.length), bytesOf(name)]);
    return [...fits, Buffer.concat([Buffer.alloc(63), ...names])];
  },
  run(data) {
    const choice = data[0] ?? 0;
    const bytes = Buffer.from(data.subarray(1));
    if (choice === 0) {
      judgeShare(bytes);
      return;
    }
    const schema = SCHEMAS[(choice - 1) % SCHEMAS.length];
    if (!schema) return;
    const message = parseJson(bytes, CALL_BYTES_MAX, schema);
    if (message === null) return;
    claimSame(parseJson(bytes, bytes.length - 1, schema), null, "what is too long is not read");
    claimSame(
      parseJson(encodeJson(message), CALL_BYTES_MAX * 8, schema),
      message,
      "it can be sent on as it was read",
    );
    claim(Object.keys(Object.prototype).length === 0, "nothing else was set");
  },
};
