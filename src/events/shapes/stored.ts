import { isObject, noObject, typeName } from "./reading.js";
import type { Message, Refused, Shape } from "./shape.js";

/** An event as it was on its way to the store, when the store refused it: read again on replay. */
export const storedShape: Shape = {
  name: "stored",
  read(raw): Message | Refused {
    if (!isObject(raw.value)) return noObject(raw);
    const { type: name, id, time, user, session, subject, properties, ...columns } = raw.value;
    const type = typeName(name, "type");
    if (typeof type !== "string") return type;
    return {
      type,
      id: textOrNull(id),
      time,
      user: textOrNull(user),
      session: textOrNull(session),
      subject: textOrNull(subject),
      columns,
      data: isObject(properties) ? properties : {},
    };
  },
};

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
