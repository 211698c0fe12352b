import type { Step } from "../insights/plan.js";
import { count, distinct, type Metric, metricsOf, numberAt, ofTypes, sum, USER } from "./metric.js";

const counted = (id: string, title: string, description: string, of: Step, dimensions: readonly string[] = []) => ({
  id,
  title,
  description,
  formula: count(of),
  formulaText: `count of ${of.types?.join(", ")}`,
  dimensions,
});

/** What users do in a product. Types that two versions of its documentation call differently count together. */
/** What tells for how long a video was watched. */
export const WATCHED = ofTypes("video_play", "video_played", "video_completed", "lesson_completed");

export const PRODUCT_METRICS: readonly Metric[] = metricsOf(
  "product",
  ["page", "source"],
  [
    counted("page_views", "Page views", "Pages that were looked at.", ofTypes("page_view"), ["referrer"]),
    {
      id: "unique_visitors",
      title: "Visitors",
      description: "Different users who looked at a page.",
      formula: distinct(USER, ofTypes("page_view")),
      formulaText: "distinct users over page_view",
      dimensions: ["referrer"],
    },
    counted("logins", "Logins", "Times that users logged in.", ofTypes("user_login")),
    counted("registrations", "Registrations", "Users who registered.", ofTypes("user_registered")),
    counted("searches", "Searches", "Searches.", ofTypes("search_query", "search_performed")),
    counted("errors", "Errors", "Errors that users ran into.", ofTypes("error_occurred")),
    counted(
      "courses_completed",
      "Courses completed",
      "Courses that were finished.",
      ofTypes("course_complete", "course_completed"),
    ),
    counted("lessons_watched", "Lessons watched", "Lessons that were finished.", ofTypes("lesson_completed")),
    {
      id: "watch_time_seconds",
      title: "Watch time",
      description: "Time that videos were watched, as far as events tell it in duration_seconds.",
      unit: "SECONDS",
      formula: sum(numberAt("duration_seconds"), WATCHED),
      formulaText: "sum of duration_seconds over video and lesson events",
    },
  ],
);
