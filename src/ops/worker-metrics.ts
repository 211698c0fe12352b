import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { AggregatorRegistry, type Registry } from "prom-client";

const ASKED = "crowsnest:metrics";

interface Answer {
  readonly type: typeof ASKED;
  readonly text: string;
}

/** In the process that started the workers: answers those who are asked for metrics with the metrics of all. */
export function answerWithAllMetrics(): void {
  const all = new AggregatorRegistry();
  cluster.on("message", (worker: Worker, message: { type?: unknown }) => {
    if (message?.type !== ASKED) return;
    all.clusterMetrics().then(
      (text) => worker.send({ type: ASKED, text } satisfies Answer),
      () => worker.send({ type: ASKED, text: "" } satisfies Answer),
    );
  });
}

/** What a worker tells: the metrics of all workers, summed unless a metric says otherwise. */
export function metricsOfAll(own: Registry): () => Promise<string> {
  AggregatorRegistry.setRegistries([own]);
  // Has this process listen for being asked.
  new AggregatorRegistry();
  return async () => {
    process.send?.({ type: ASKED });
    for (;;) {
      const [message] = (await once(process, "message")) as [Partial<Answer>];
      if (message?.type === ASKED) return message.text || own.metrics();
    }
  };
}
