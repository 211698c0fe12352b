// A process of its own that sends batches of events as fast as they are acknowledged, or at a given rate, and tells its
// parent what it saw: node bench/ingest-sender.mjs URL TOKEN BATCHES CONNECTIONS [EVENTS_PER_SECOND]
import { randomBytes } from "node:crypto";
import { Agent, request } from "node:http";

const [url, token, batchesText, connectionsText, rateText = "0"] = process.argv.slice(2);
const BATCH = 100;
const batches = Number(batchesText);
const connections = Number(connectionsText);
const msPerBatch = Number(rateText) > 0 ? (BATCH * 1000) / Number(rateText) : 0;
const TYPES = ["page_view", "button_click", "form_submit", "video_play", "search_query"];
const USERS = 200_000;

// Twelve characters that are the same in a whole body: patched in place, so that sending costs little beside receiving.
const MARK = "@@@@@@@@@@@@";
const template = Buffer.from(JSON.stringify(Array.from({ length: BATCH }, (_, i) => event(i))));
const marks = [];
for (let at = template.indexOf(MARK); at >= 0; at = template.indexOf(MARK, at + 1)) marks.push(at);
const times = [];
for (
  let at = template.indexOf("2020-01-01T00:00:00.000Z");
  at >= 0;
  at = template.indexOf("2020-01-01T00:00:00.000Z", at + 1)
)
  times.push(at);

function event(i) {
  return {
    id: `${MARK}-${String(i).padStart(3, "0")}`,
    type: TYPES[i % TYPES.length],
    time: "2020-01-01T00:00:00.000Z",
    user: `user-${(i * 7919) % USERS}`,
    session: `session-${(i * 31) % 5000}`,
    properties: {
      page: `/products/${i}`,
      referrer: "/search?q=shoes",
      plan: i % 3 ? "free" : "team",
      position: i,
      experiment: "b",
    },
  };
}

const run = randomBytes(3).toString("hex");
let sequence = 0;
function nextBody() {
  const body = Buffer.from(template);
  const mark = `${run}${(sequence++).toString(36).padStart(6, "0")}`;
  for (const at of marks) body.write(mark, at, "latin1");
  const now = new Date().toISOString();
  for (const at of times) body.write(now, at, "latin1");
  return body;
}

const agent = new Agent({ keepAlive: true, maxSockets: connections });
const latencies = new Float64Array(batches);
let done = 0;
let refused = 0;

function send(body) {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        agent,
        method: "POST",
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          "content-length": body.length,
        },
      },
      (incoming) => {
        incoming.resume();
        incoming.once("end", () => resolve(incoming.statusCode));
      },
    );
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

const startedAt = performance.now();
let issued = 0;
async function worker() {
  while (issued < batches) {
    const mine = issued++;
    const due = startedAt + mine * msPerBatch;
    const wait = due - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const body = nextBody();
    const from = performance.now();
    const status = await send(body);
    if (status === 200) latencies[done++] = performance.now() - from;
    else refused++;
  }
}
await Promise.all(Array.from({ length: connections }, worker));
const seconds = (performance.now() - startedAt) / 1000;
const sorted = latencies.subarray(0, done).sort();
const at = (share) => sorted[Math.min(done - 1, Math.floor(done * share))];
const cpu = process.cpuUsage();
console.log(
  JSON.stringify({
    seconds,
    events: done * BATCH,
    refused,
    rate: (done * BATCH) / seconds,
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
    cpuSeconds: (cpu.user + cpu.system) / 1e6,
  }),
);
process.exit();
