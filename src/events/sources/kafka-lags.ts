import type { Admin } from "kafkajs";

/** How many messages wait in each of the partitions that this member reads. */
export class KafkaLags {
  #assigned: Readonly<Record<string, readonly number[]>> = {};
  readonly #lags = new Map<string, Map<number, number>>();

  /** Forgets the partitions that others read now. */
  assign(assigned: Readonly<Record<string, readonly number[]>>): void {
    this.#assigned = assigned;
    for (const [topic, lags] of this.#lags) {
      for (const partition of lags.keys()) {
        if (!assigned[topic]?.includes(partition)) lags.delete(partition);
      }
      if (lags.size === 0) this.#lags.delete(topic);
    }
  }

  set(topic: string, partition: number, lag: number): void {
    let lags = this.#lags.get(topic);
    if (!lags) {
      lags = new Map();
      this.#lags.set(topic, lags);
    }
    lags.set(partition, Math.max(0, lag));
  }

  /** Asks the brokers: while nothing is taken in, nothing else tells how far behind it is. */
  async measure(admin: Admin, group: string): Promise<void> {
    const assigned = this.#assigned;
    const topics = Object.keys(assigned);
    if (topics.length === 0) return;
    const committed = new Map<string, number>();
    for (const { topic, partitions } of await admin.fetchOffsets({ groupId: group, topics })) {
      for (const { partition, offset } of partitions) committed.set(`${topic}/${partition}`, Number(offset));
    }
    for (const topic of topics) {
      for (const { partition, high, low } of await admin.fetchTopicOffsets(topic)) {
        if (this.#assigned !== assigned) return;
        if (!assigned[topic]?.includes(partition)) continue;
        const next = Math.max(Number(low), committed.get(`${topic}/${partition}`) ?? 0);
        this.set(topic, partition, Number(high) - next);
      }
    }
  }

  *byTopic(): Iterable<readonly [topic: string, lag: number]> {
    for (const [topic, lags] of this.#lags) yield [topic, sum(lags.values())];
  }

  /** Null while nothing is known. */
  get total(): number | null {
    return this.#lags.size === 0 ? null : sum([...this.#lags.values()].flatMap((lags) => [...lags.values()]));
  }
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
