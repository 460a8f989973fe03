// What chat completions refuses, in the words it uses (or close to them). A check answers null or
// `{ message, param, code }` of an invalid_request_error.
import { firstComplaint, isObject } from './text.js';

const BODY_KEYS = new Set(
  (
    'model messages tools tool_choice parallel_tool_calls stream stream_options max_tokens ' +
    'max_completion_tokens temperature top_p n stop presence_penalty frequency_penalty seed user ' +
    'response_format logprobs top_logprobs logit_bias metadata store reasoning_effort ' +
    'service_tier modalities prediction verbosity prompt_cache_key safety_identifier'
  ).split(' '),
);
const ROLES = ['system', 'assistant', 'user', 'function', 'tool', 'developer'];
const CHOICES = ['none', 'auto', 'required'];
const FORMATS = ['json_object', 'json_schema', 'text'];
const NAME = /^[a-zA-Z0-9_-]{1,64}$/;
const STOPS_MAX = 4;

const NUMBERS = [
  { key: 'temperature', low: 0, high: 2 },
  { key: 'top_p', low: 0, high: 1 },
  { key: 'presence_penalty', low: -2, high: 2 },
  { key: 'frequency_penalty', low: -2, high: 2 },
  { key: 'n', low: 1, high: 128, integer: true },
  { key: 'max_tokens', low: 1, high: Infinity, integer: true },
  { key: 'max_completion_tokens', low: 1, high: Infinity, integer: true },
];

const refuse = (message, param = null, code = null) => ({ message, param, code });
const missing = (param) =>
  refuse(`Missing required parameter: '${param}'.`, param, 'missing_required_parameter');

export function typeName(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return (
    { object: 'an object', string: 'a string', boolean: 'a boolean' }[typeof value] ?? 'a number'
  );
}

const wrongType = (param, want, value) =>
  refuse(
    `Invalid type for '${param}': expected ${want}, but got ${typeName(value)} instead.`,
    param,
    'invalid_type',
  );

function checkNumber(body, { key, low, high, integer }) {
  const value = body[key];
  if (value === undefined || value === null) return null;
  if (typeof value !== 'number' || (integer && !Number.isInteger(value)))
    return wrongType(key, integer ? 'an integer' : 'a decimal', value);
  if (value < low)
    return refuse(
      `Invalid '${key}': ${integer ? 'integer' : 'decimal'} below minimum value. ` +
        `Expected a value >= ${low}, but got ${value} instead.`,
      key,
      integer ? 'integer_below_min_value' : 'decimal_below_min_value',
    );
  if (value > high)
    return refuse(
      `Invalid '${key}': ${integer ? 'integer' : 'decimal'} above maximum value. ` +
        `Expected a value <= ${high}, but got ${value} instead.`,
      key,
      integer ? 'integer_above_max_value' : 'decimal_above_max_value',
    );
  return null;
}

function checkTool(tool, i) {
  const at = `tools[${i}]`;
  if (tool?.type !== 'function')
    return refuse(
      `Invalid value: '${tool?.type}'. Supported values are: 'function' and 'custom'.`,
      `${at}.type`,
      'invalid_value',
    );
  const name = tool.function?.name;
  if (name === undefined) return missing(`${at}.function.name`);
  if (!NAME.test(name))
    return refuse(
      `Invalid '${at}.function.name': string does not match pattern. Expected a string that ` +
        "matches the pattern '^[a-zA-Z0-9_-]+$'.",
      `${at}.function.name`,
      'invalid_value',
    );
  const { parameters } = tool.function;
  if (parameters !== undefined && parameters?.type !== 'object')
    return refuse(
      `Invalid schema for function '${name}': schema must be a JSON Schema of 'type: "object"', ` +
        `got 'type: "${parameters?.type}"'.`,
      `${at}.function.parameters`,
      'invalid_function_parameters',
    );
  return null;
}

function checkToolChoice({ tool_choice: choice, tools }) {
  if (choice === undefined || choice === null) return null;
  if (!tools?.length)
    return refuse(
      "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
      'tool_choice',
    );
  if (typeof choice === 'string') {
    if (CHOICES.includes(choice)) return null;
    const known = "'none', 'auto', and 'required'";
    const message = `Invalid value: '${choice}'. Supported values are: ${known}.`;
    return refuse(message, 'tool_choice', 'invalid_value');
  }
  if (choice.type !== 'function' || !choice.function?.name)
    return missing('tool_choice.function.name');
  if (!tools.some((tool) => tool.function.name === choice.function.name))
    return refuse(
      `Invalid value for 'tool_choice': no function named '${choice.function.name}' was ` +
        "specified in the 'tools' parameter.",
      'tool_choice',
    );
  return null;
}

function checkTools(body) {
  if (body.tools !== undefined && !Array.isArray(body.tools))
    return wrongType('tools', 'an array of objects', body.tools);
  if (body.tools?.length === 0)
    return refuse(
      "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty " +
        'array instead.',
      'tools',
      'empty_array',
    );
  if (body.parallel_tool_calls !== undefined && !body.tools)
    return refuse(
      "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when " +
        "'tools' are specified.",
      'parallel_tool_calls',
    );
  return firstComplaint(body.tools ?? [], checkTool) ?? checkToolChoice(body);
}

function checkCall(call, at) {
  if (typeof call?.id !== 'string') return missing(`${at}.id`);
  if (call.type !== 'function') return missing(`${at}.type`);
  if (typeof call.function?.name !== 'string') return missing(`${at}.function.name`);
  if (typeof call.function.arguments !== 'string')
    return wrongType(`${at}.function.arguments`, 'a string', call.function.arguments);
  return null;
}

function checkMessage(message, i) {
  const at = `messages[${i}]`;
  if (!isObject(message)) return wrongType(at, 'an object', message);
  if (message.role === undefined) return missing(`${at}.role`);
  if (!ROLES.includes(message.role)) {
    const known = ROLES.map((role) => `'${role}'`).join(', ');
    const text = `Invalid value: '${message.role}'. Supported values are: ${known}.`;
    return refuse(text, `${at}.role`, 'invalid_value');
  }
  const { content, tool_calls: calls } = message;
  if ((content === undefined || content === null) && !calls)
    return wrongType(`${at}.content`, 'a string or an array of objects', content ?? null);
  if (content != null && typeof content !== 'string' && !Array.isArray(content))
    return wrongType(`${at}.content`, 'a string or an array of objects', content);
  if (calls === undefined) return null;
  if (calls.length === 0)
    return refuse(
      `Invalid '${at}.tool_calls': empty array. Expected an array with minimum length 1, but got ` +
        'an empty array instead.',
      `${at}.tool_calls`,
      'empty_array',
    );
  return firstComplaint(calls, (call, k) => checkCall(call, `${at}.tool_calls[${k}]`));
}

/** Calls are answered right after the message that made them, each once, and nothing else is. */
function checkResults(messages) {
  let open = [];
  let asker = 0;
  const unanswered = () =>
    refuse(
      "An assistant message with 'tool_calls' must be followed by tool messages responding to " +
        `each 'tool_call_id'. The following tool_call_ids did not have response messages: ` +
        open.join(', '),
      `messages.[${asker}].role`,
    );
  for (const [i, message] of messages.entries()) {
    if (message.role === 'tool') {
      if (message.tool_call_id === undefined) return missing(`messages[${i}].tool_call_id`);
      if (!open.includes(message.tool_call_id))
        return refuse(
          "Invalid parameter: messages with role 'tool' must be a response to a preceeding " +
            "message with 'tool_calls'.",
          `messages.[${i}].role`,
        );
      open = open.filter((id) => id !== message.tool_call_id);
      continue;
    }
    if (open.length) return unanswered();
    if (message.tool_calls) [open, asker] = [message.tool_calls.map((call) => call.id), i];
  }
  return open.length ? unanswered() : null;
}

function checkMessages({ messages }) {
  if (messages === undefined) return missing('messages');
  if (!Array.isArray(messages)) return wrongType('messages', 'an array of objects', messages);
  if (messages.length === 0)
    return refuse(
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an " +
        'empty array instead.',
      'messages',
      'empty_array',
    );
  return firstComplaint(messages, checkMessage) ?? checkResults(messages);
}

function looseObject(schema) {
  if (!isObject(schema)) return false;
  if (schema.type === 'object' && schema.additionalProperties !== false) return true;
  return Object.values(schema.properties ?? {}).some(looseObject) || looseObject(schema.items);
}

function checkJsonSchema(format) {
  const { json_schema: given } = format;
  if (!given) return missing('response_format.json_schema');
  if (!given.name) return missing('response_format.json_schema.name');
  if (!NAME.test(given.name))
    return refuse(
      "Invalid 'response_format.json_schema.name': string does not match pattern. Expected a " +
        "string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
      'response_format.json_schema.name',
      'invalid_value',
    );
  if (!isObject(given.schema)) return missing('response_format.json_schema.schema');
  if (given.strict && looseObject(given.schema))
    return refuse(
      `Invalid schema for response_format '${given.name}': In context=(), ` +
        "'additionalProperties' is required to be supplied and to be false.",
      'response_format',
    );
  return null;
}

function checkFormat({ response_format: format, messages }) {
  if (format === undefined || format === null) return null;
  if (!FORMATS.includes(format.type))
    return refuse(
      `Invalid value: '${format.type}'. Supported values are: 'json_object', 'json_schema', ` +
        "and 'text'.",
      'response_format.type',
      'invalid_value',
    );
  if (format.type === 'json_schema') return checkJsonSchema(format);
  if (format.type === 'json_object' && !/json/i.test(JSON.stringify(messages)))
    return refuse(
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type " +
        "'json_object'.",
      'messages',
    );
  return null;
}

function checkStream({ stream, stream_options: options }) {
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean')
    return wrongType('stream', 'a boolean', stream);
  if (options && !stream)
    return refuse(
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      'stream_options',
    );
  return null;
}

function checkRest(body) {
  const stops = Array.isArray(body.stop) ? body.stop : [];
  if (stops.length > STOPS_MAX)
    return refuse(
      `Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array ` +
        `with length ${stops.length} instead.`,
      'stop',
      'array_above_max_length',
    );
  if (body.max_tokens != null && body.max_completion_tokens != null)
    return refuse(
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
      'max_tokens',
    );
  const odd = Object.keys(body).find((key) => !BODY_KEYS.has(key));
  return odd ? refuse(`Unknown parameter: '${odd}'.`, odd, 'unknown_parameter') : null;
}

/** The first complaint about a body, or null. */
export function checkBody(body) {
  if (!isObject(body)) return refuse('Invalid body: expected a JSON object.');
  if (!body.model) return refuse('you must provide a model parameter');
  if (typeof body.model !== 'string') return wrongType('model', 'a string', body.model);
  const number = firstComplaint(NUMBERS, (row) => checkNumber(body, row));
  if (number) return number;
  for (const check of [checkMessages, checkTools, checkFormat, checkStream, checkRest]) {
    const found = check(body);
    if (found) return found;
  }
  return null;
}
