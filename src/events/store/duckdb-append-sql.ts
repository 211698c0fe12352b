/** The fields of a spool line. A line without `type` is the spool's own. */
const LINE = `{
  tenant: 'VARCHAR', id: 'VARCHAR', type: 'VARCHAR', time: 'BIGINT', received: 'BIGINT', origin: 'VARCHAR',
  "user": 'VARCHAR', session: 'VARCHAR', subject: 'VARCHAR', country: 'VARCHAR', region: 'VARCHAR', city: 'VARCHAR',
  latitude: 'DOUBLE', longitude: 'DOUBLE', amount: 'DECIMAL(18, 4)', currency: 'VARCHAR', properties: 'JSON',
  batch: 'JSON'
}`;

/**
 * Two halves of a hash: what the tables in memory are keyed by. Nothing here is ever null, since the driver takes
 * several times as long to read a column with nulls: `hash` gives a number for null as well, and `concat` passes it over.
 */
export const halves = (hash: string): string => `(${hash} & 4294967295)::UINTEGER, (${hash} >> 32)::UINTEGER`;

/** Of a tenant and user: only lives as long as the process, so that DuckDB's own hash will do, which costs next to nothing. */
export const userHash = (user: string): string => `hash(tenant, ${user})`;

/** What a line is: the spool's own, an event without a user, one with a user. */
const KIND = `(CASE WHEN type IS NULL THEN 0 WHEN "user" IS NULL THEN 1 ELSE 2 END)::UTINYINT`;
export const OWN_LINE = 0;
export const WITH_USER = 2;
/** What the functions below say: an event that is not (yet) to be stored, one to be stored without a user; else the user's key. */
export const NOT_NOW = 0;
export const NO_USER = 0xffffffff;

/** Lines with their place: numbering them also makes DuckDB read them one after the other, so that the first wins. */
const LINES = `SELECT *, ${KIND} AS kind, md5_number(concat(tenant, chr(0), id)) AS key, ${userHash('"user"')} AS user_hash
  FROM (
    SELECT *, (row_number() OVER ())::UBIGINT AS position
    FROM read_json($segments, format = 'newline_delimited', records = 'true', compression = 'uncompressed',
      hive_partitioning = false, columns = ${LINE})
  )`;

/**
 * Batches are sorted since readers ask by type and time: whole vectors of other types are then passed over. Not by
 * tenant as well, which few stores have many of: one more key to compare doubles what sorting costs.
 */
const insert = (lines: string): string => `INSERT INTO events
  SELECT tenant, id, key, type, make_timestamp_ms(time)::TIMESTAMP_MS AS time, make_timestamp_ms(received)::TIMESTAMP_MS,
    origin, "user", nullif(answer, ${NO_USER}), session, subject, country, region, city, latitude, longitude, amount,
    currency, properties
  FROM (${lines}) WHERE answer <> ${NOT_NOW} ORDER BY type, time`;

export const INSERT_NEW = insert(`SELECT *,
  crowsnest_admit(kind, ${halves("hash(key)")}, ${halves("user_hash")}, key, position, batch::VARCHAR) AS answer
  FROM (${LINES})`);

export const FIND_ADDITIONS = `CREATE OR REPLACE TEMP TABLE additions AS
  SELECT min(position) AS position FROM suspects
  WHERE key NOT IN (SELECT key FROM events WHERE key IN (SELECT key FROM suspects))
  GROUP BY key`;

export const INSERT_ADDITIONS = insert(`SELECT *, crowsnest_user(kind, ${halves("user_hash")}) AS answer
  FROM (${LINES}) WHERE position IN (SELECT position FROM additions)`);

/** Row groups from before this batch hold smaller keys only and are passed over by their statistics. */
export const INSERT_USERS = `INSERT INTO users
  SELECT DISTINCT tenant, user_id, user_key FROM events WHERE user_key >= $first`;

export const INSERT_BATCHES = `INSERT INTO keyed_batches
  SELECT tenant, key, hash, events, make_timestamp_ms(received) FROM (
    SELECT unnest($tenant) AS tenant, unnest($key) AS key, unnest($hash) AS hash,
      unnest($events) AS events, unnest($received) AS received)
  ON CONFLICT DO NOTHING`;
