import { defineTypes, type Entry, type Family, from } from "./define.js";
import type { EventType } from "./event-type.js";
import { anything } from "./fields.js";

/** Behaviour of users in a product. Payloads may hold anything: what is known of them is documented, not checked. */
const PRODUCT: Family = {
  area: "product",
  optional: {
    page: anything("Path or address of the page"),
    session_id: anything("Id of the user's session"),
    user_id: anything("Id of the user; the one beside the payload goes before it"),
    email: anything("E-mail address of the user"),
    phone: anything("Phone number of the user"),
    name: anything("Name of the user"),
    ip: anything("Internet address of the user"),
  },
  columns: { user: from("user_id", "userId"), session: from("session_id", "sessionId"), subject: from("page") },
  personal: ["user_id", "email", "phone", "name", "ip"],
};

type Payload = Readonly<Record<string, unknown>>;

/** A type by its name, what happened, what is known of its payload, and an example. Its subject is the page. */
function onPage(name: string, description: string, fields: Readonly<Record<string, string>>, payload: Payload): Entry {
  const optional = Object.fromEntries(Object.entries(fields).map(([field, meaning]) => [field, anything(meaning)]));
  return { name, description, optional, example: { ...payload, session_id: "sess-456" } };
}

/** As `onPage`; the subject is what this field of the payload says, and the page only where it is missing. */
function about(name: string, description: string, field: string, meaning: string, payload: Payload): Entry {
  return { ...onPage(name, description, { [field]: meaning }, payload), columns: { subject: from(field, "page") } };
}

const course = (name: string, description: string) =>
  about(name, description, "course_id", "Id of the course", { course_id: "course-7", page: "/courses/7" });

const lesson = (name: string, description: string) =>
  about(name, description, "lesson_id", "Id of the lesson", { lesson_id: "lesson-3", course_id: "course-7" });

const video = (name: string, description: string) =>
  about(name, description, "video_id", "Id of the video", { video_id: "video-9", position_seconds: 42 });

const search = (name: string, description: string) =>
  onPage(name, description, { query: "What the user looked for" }, { query: "graphql", results: 12, page: "/search" });

const account = (name: string, description: string) =>
  onPage(name, description, { method: "How it was done, such as password or google" }, { method: "password" });

/** Types that the product's programs send. Any other type is taken in as well. */
export const PRODUCT_TYPES: readonly EventType[] = defineTypes(PRODUCT, [
  onPage(
    "page_view",
    "A user looked at a page.",
    { referrer: "Page that the user came from" },
    { page: "/dashboard", referrer: "/login" },
  ),
  about("button_click", "A user pressed a button.", "button_id", "Id of the button", { button_id: "save_profile" }),
  about("form_submit", "A user sent a form.", "form_id", "Id of the form", { form_id: "contact", page: "/contact" }),
  video("video_play", "A user started a video."),
  course("course_complete", "A user finished a course."),
  search("search_query", "A user searched."),
  onPage(
    "error_occurred",
    "A user ran into an error.",
    { error_code: "Code of the error", message: "What the user was told" },
    { error_code: "E_NETWORK", page: "/upload" },
  ),
  account("user_registered", "A user registered."),
  account("user_login", "A user logged in."),
  account("user_logout", "A user logged out."),
  onPage("profile_updated", "A user changed the profile.", { fields: "What was changed" }, { fields: ["avatar"] }),
  search("search_performed", "A user searched."),
  course("course_viewed", "A user looked at a course."),
  course("course_enrolled", "A user joined a course."),
  course("course_started", "A user began a course."),
  course("course_completed", "A user finished a course."),
  lesson("lesson_started", "A user began a lesson."),
  lesson("lesson_completed", "A user finished a lesson."),
  video("video_played", "A user watched a video."),
  video("video_paused", "A user paused a video."),
  video("video_completed", "A user watched a video to its end."),
  about("chat_message_sent", "A user wrote a message.", "chat_id", "Id of the conversation", { chat_id: "chat-5" }),
  about("file_downloaded", "A user downloaded a file.", "file_id", "Id of the file", { file_id: "file-8" }),
  about("bookmark_added", "A user kept a bookmark.", "item_id", "Id of what is kept", { item_id: "lesson-3" }),
  about("rating_submitted", "A user rated something.", "item_id", "Id of what is rated", {
    item_id: "course-7",
    rating: 5,
  }),
]);
