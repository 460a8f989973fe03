// What the Messages API refuses, in the words it uses (or close to them). A check answers null or
// the message of an invalid_request_error.
import { firstComplaint, isObject } from './text.js';

const BODY_KEYS = new Set(
  (
    'model max_tokens messages system tools tool_choice stream stop_sequences temperature top_p ' +
    'top_k thinking cache_control metadata service_tier output_config container mcp_servers ' +
    'context_management inference_geo diagnostics speed user_profile_id ' +
    'workspace_id'
  ).split(' '),
);
const CHOICES = ['auto', 'any', 'tool', 'none'];
const CACHE_BLOCKS_MAX = 4;
const TOOL_NAME = /^[a-zA-Z0-9_-]{1,128}$/;

const TYPES = {
  integer: [Number.isInteger, 'Input should be a valid integer'],
  number: [(v) => typeof v === 'number', 'Input should be a valid number'],
  string: [(v) => typeof v === 'string', 'Input should be a valid string'],
  boolean: [(v) => typeof v === 'boolean', 'Input should be a valid boolean'],
  list: [Array.isArray, 'Input should be a valid list'],
  object: [isObject, 'Input should be a valid dictionary'],
};

const FIELDS = [
  { key: 'model', type: 'string', required: true },
  { key: 'messages', type: 'list', required: true },
  { key: 'max_tokens', type: 'integer', required: true, low: 1 },
  { key: 'temperature', type: 'number', low: 0, high: 1 },
  { key: 'top_p', type: 'number', low: 0, high: 1 },
  { key: 'top_k', type: 'integer', low: 0 },
  { key: 'stream', type: 'boolean' },
  { key: 'stop_sequences', type: 'list' },
  { key: 'tools', type: 'list' },
  { key: 'tool_choice', type: 'object' },
  { key: 'metadata', type: 'object' },
  { key: 'thinking', type: 'object' },
  { key: 'output_config', type: 'object' },
];

function checkField(body, field) {
  const value = body[field.key];
  if (value === undefined) return field.required ? `${field.key}: Field required` : null;
  const [fits, complaint] = TYPES[field.type];
  if (!fits(value)) return `${field.key}: ${complaint}`;
  if (value < field.low)
    return `${field.key}: Input should be greater than or equal to ${field.low}`;
  if (value > field.high)
    return `${field.key}: Input should be less than or equal to ${field.high}`;
  return null;
}

function checkTool(tool, i) {
  if (!isObject(tool)) return `tools.${i}: Input should be a valid dictionary`;
  const at = `tools.${i}.custom`;
  if (tool.type !== undefined && tool.type !== 'custom') return null; // the vendor's own tools
  if (typeof tool.name !== 'string') return `${at}.name: Field required`;
  if (!TOOL_NAME.test(tool.name))
    return `${at}.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`;
  if (!isObject(tool.input_schema)) return `${at}.input_schema: Field required`;
  if (tool.input_schema.type === undefined) return `${at}.input_schema.type: Field required`;
  if (tool.input_schema.type !== 'object')
    return `${at}.input_schema.type: Input should be 'object'`;
  return null;
}

function checkTools(body) {
  const tools = body.tools ?? [];
  const names = tools.map((tool) => tool?.name);
  if (new Set(names).size !== names.length) return 'tools: Tool names must be unique.';
  return firstComplaint(tools, checkTool);
}

function checkToolChoice({ tool_choice: choice, tools }) {
  if (!choice) return null;
  if (!CHOICES.includes(choice.type)) {
    const known = CHOICES.map((c) => `'${c}'`).join(', ');
    return (
      `tool_choice: Input tag '${choice.type}' found using 'type' does not match any of the ` +
      `expected tags: ${known}`
    );
  }
  if (!tools?.length)
    return 'tool_choice: tool_choice may only be specified while providing tools.';
  if (choice.type !== 'tool') return null;
  if (typeof choice.name !== 'string') return 'tool_choice.tool.name: Field required';
  if (!tools.some((tool) => tool.name === choice.name))
    return `tool_choice: Tool '${choice.name}' not found in provided tools`;
  return null;
}

const BLOCKS = {
  text: (block, at) => {
    if (typeof block.text !== 'string') return `${at}.text.text: Field required`;
    return block.text === '' ? 'messages: text content blocks must be non-empty' : null;
  },
  tool_use: (block, at) => {
    for (const key of ['id', 'name', 'input'])
      if (block[key] === undefined) return `${at}.tool_use.${key}: Field required`;
    return isObject(block.input)
      ? null
      : `${at}.tool_use.input: Input should be a valid dictionary`;
  },
  tool_result: (block, at) =>
    typeof block.tool_use_id === 'string' ? null : `${at}.tool_result.tool_use_id: Field required`,
  thinking: (block, at) =>
    typeof block.signature === 'string' ? null : `${at}.thinking.signature: Field required`,
  redacted_thinking: () => null,
  image: () => null,
  document: () => null,
  search_result: () => null,
};

export const blocksOf = (message) =>
  typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content;

function checkBlock(block, at) {
  const check = BLOCKS[block?.type];
  if (!check) return `${at}: Input tag '${block?.type}' found using 'type' does not match any tag`;
  return check(block, at);
}

function checkMessage(message, i, all) {
  const at = `messages.${i}`;
  if (!isObject(message)) return `${at}: Input should be a valid dictionary`;
  const { role, content } = message;
  if (role === 'system')
    return (
      'messages: Unexpected role "system". The Messages API accepts a top-level `system` ' +
      'parameter, not "system" as an input message role.'
    );
  if (role !== 'user' && role !== 'assistant')
    return `${at}.role: Input should be 'user' or 'assistant'`;
  if (i === 0 && role !== 'user') return 'messages: first message must use the "user" role';
  if (i > 0 && all[i - 1].role === role)
    return (
      'messages: roles must alternate between "user" and "assistant", but found multiple ' +
      `"${role}" roles in a row`
    );
  if (typeof content !== 'string' && !Array.isArray(content))
    return `${at}.content: Field required`;
  const last = i === all.length - 1;
  if (content.length === 0 && !(last && role === 'assistant'))
    return (
      `${at}: all messages must have non-empty content except for the optional final ` +
      'assistant message'
    );
  const blocks = blocksOf(message);
  if (last && role === 'assistant' && /\s$/.test(blocks.at(-1)?.text ?? ''))
    return 'messages: final assistant content cannot end with trailing whitespace';
  return firstComplaint(blocks, (block, k) => checkBlock(block, `${at}.content.${k}`));
}

/** Every tool_use is answered in the very next message, and nothing else is. */
function checkResults(messages) {
  return firstComplaint(messages, (message, i) => {
    const ids = (list, type, key) =>
      list.filter((block) => block.type === type).map((block) => block[key]);
    const asked = i ? ids(blocksOf(messages[i - 1]), 'tool_use', 'id') : [];
    const given = ids(blocksOf(message), 'tool_result', 'tool_use_id');
    const missing = asked.filter((id) => !given.includes(id));
    if (missing.length)
      return (
        `messages.${i - 1}: \`tool_use\` ids were found without \`tool_result\` blocks ` +
        `immediately after: ${missing.join(', ')}. Each \`tool_use\` block must have a ` +
        'corresponding `tool_result` block in the next message.'
      );
    const stray = given.findIndex((id) => !asked.includes(id));
    if (stray >= 0)
      return (
        `messages.${i}.content.${stray}: unexpected \`tool_use_id\` found in \`tool_result\` ` +
        `blocks: ${given[stray]}. Each \`tool_result\` block must have a corresponding ` +
        '`tool_use` block in the previous message.'
      );
    if (new Set(given).size !== given.length)
      return `messages.${i}: each tool_use must have a single result. Found multiple results`;
    const firstOther = blocksOf(message).findIndex((block) => block.type !== 'tool_result');
    const lastResult = blocksOf(message).findLastIndex((block) => block.type === 'tool_result');
    if (firstOther >= 0 && firstOther < lastResult)
      return `messages.${i}: \`tool_result\` blocks must come first in the content`;
    return null;
  });
}

function checkMessages(body) {
  const { messages } = body;
  if (messages.length === 0) return 'messages: at least one message is required';
  const complaint = firstComplaint(messages, checkMessage) ?? checkResults(messages);
  if (complaint) return complaint;
  if (messages.at(-1).role === 'assistant' && blocksOf(messages.at(-1)).some(isToolUse))
    return 'messages: the final message has `tool_use` blocks without `tool_result` blocks';
  const usesTools = messages.some((message) => blocksOf(message).some(isToolUse));
  if (usesTools && !body.tools?.length)
    return 'Requests which include `tool_use` or `tool_result` blocks must define tools';
  return null;
}

const isToolUse = (block) => block.type === 'tool_use';

function checkSystem({ system }) {
  if (system === undefined || typeof system === 'string') return null;
  if (!Array.isArray(system)) return 'system: Input should be a valid string or list';
  return firstComplaint(system, (block, i) => {
    if (block?.type !== 'text') return `system.${i}.type: Input should be 'text'`;
    return block.text === '' ? 'system: text content blocks must be non-empty' : null;
  });
}

/** Everything that can carry a cache mark, in the order of the prompt: tools, system, messages. */
export function promptParts(body) {
  const system = typeof body.system === 'string' ? [{ text: body.system }] : (body.system ?? []);
  return [...(body.tools ?? []), ...system, ...body.messages.flatMap(blocksOf)];
}

function checkCache(body) {
  const marks = promptParts(body).filter((part) => part.cache_control).length;
  if (marks > CACHE_BLOCKS_MAX)
    return `A maximum of 4 blocks with cache_control may be provided. Found ${marks}.`;
  const odd = promptParts(body).find(
    (p) => p.cache_control && p.cache_control.type !== 'ephemeral',
  );
  return odd ? "cache_control.type: Input should be 'ephemeral'" : null;
}

function checkThinking({ thinking, max_tokens: maxTokens, temperature, tool_choice: choice }) {
  if (thinking?.type !== 'enabled') return null;
  if (!(thinking.budget_tokens >= 1024))
    return 'thinking.enabled.budget_tokens: Input should be greater than or equal to 1024';
  if (thinking.budget_tokens >= maxTokens)
    return '`max_tokens` must be greater than `thinking.budget_tokens`.';
  if (temperature !== undefined && temperature !== 1)
    return '`temperature` may only be set to 1 when thinking is enabled.';
  if (choice && choice.type !== 'auto' && choice.type !== 'none')
    return 'Thinking may not be enabled when tool_choice forces tool use.';
  return null;
}

function checkFormat({ output_config: config }) {
  const format = config?.format;
  if (!format) return null;
  if (format.type !== 'json_schema')
    return "output_config.format.type: Input should be 'json_schema'";
  if (!isObject(format.schema)) return 'output_config.format.schema: Field required';
  if (format.schema.type === 'object' && format.schema.additionalProperties !== false)
    return (
      "output_config.format.schema: For 'object' type, 'additionalProperties' must be " +
      'explicitly set to false'
    );
  return null;
}

function checkKeys(body, goneKeys) {
  const odd = Object.keys(body).find((key) => !BODY_KEYS.has(key) || goneKeys.includes(key));
  return odd ? `${odd}: Extra inputs are not permitted` : null;
}

/**
 * The first complaint about a body, or null. `outputMax` is the model's own limit of tokens;
 * `goneKeys` are those that the version of the API no longer has.
 */
export function checkBody(body, outputMax, goneKeys = []) {
  if (!isObject(body)) return 'Input should be a valid dictionary';
  const complaint =
    firstComplaint(FIELDS, (field) => checkField(body, field)) ?? checkKeys(body, goneKeys);
  if (complaint) return complaint;
  if (body.max_tokens > outputMax)
    return (
      `max_tokens: ${body.max_tokens} > ${outputMax}, which is the maximum allowed number of ` +
      `output tokens for ${body.model}`
    );
  const blank = (body.stop_sequences ?? []).some((stop) => !String(stop).trim());
  if (blank) return 'stop_sequences: each stop sequence must contain non-whitespace';
  const checks = [checkTools, checkToolChoice, checkSystem, checkMessages];
  for (const check of [...checks, checkCache, checkThinking, checkFormat]) {
    const found = check(body);
    if (found) return found;
  }
  return null;
}
