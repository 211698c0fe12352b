import { vi } from "vitest";

/** A document and window as the SDK knows them; undo with `vi.unstubAllGlobals()`. */
export function stubPage(values: { pathname?: string; referrer?: string; navigator?: object } = {}) {
  const page = Object.assign(new EventTarget(), { visibilityState: "visible", referrer: values.referrer ?? "" });
  const frame = new EventTarget();
  vi.stubGlobal("document", page);
  vi.stubGlobal("window", frame);
  vi.stubGlobal("location", { pathname: values.pathname ?? "/" });
  vi.stubGlobal("navigator", values.navigator ?? {});
  const show = (visibilityState: "visible" | "hidden") => {
    page.visibilityState = visibilityState;
    page.dispatchEvent(new Event("visibilitychange"));
  };
  return {
    show,
    leave: () => frame.dispatchEvent(new Event("pagehide")),
    restore: () => frame.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true })),
    online: () => frame.dispatchEvent(new Event("online")),
  };
}
