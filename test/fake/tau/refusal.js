// A tool that says no: its text is the tool's result, not a failure of the server.
class Refusal extends Error {}

export function refuse(text) {
  throw new Refusal(`Error: ${text}`);
}

export const found = (table, key, what) =>
  Object.hasOwn(table, key) ? table[key] : refuse(`${what} not found`);

/** Runs a tool of a table on a copy of its arguments; what it refuses is its result. */
export function runTool(tools, db, name, args) {
  try {
    return tools[name](db, structuredClone(args));
  } catch (e) {
    if (e instanceof Refusal) return e.message;
    throw e;
  }
}
