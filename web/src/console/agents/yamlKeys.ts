/** The top-level keys of an agent's YAML, for completion. */
const keys: [string, string][] = [
  ['schema_version', 'Version of this format, "1.0"'],
  ['organization_id', 'Id of the workspace'],
  ['config_id', 'Id of this agent'],
  ['product_type', 'chatbot, voicebot or copilot'],
  ['name', 'What the agent calls itself'],
  ['slug', 'Its name in addresses'],
  ['greeting', 'First message to a visitor'],
  ['suggestions', 'Questions offered at the start'],
  ['config_metadata', 'Version, environment, breaking change'],
  ['system_prompt', 'Role, instructions, constraints, tone'],
  ['channels', 'webchat, whatsapp, sms, slack'],
  ['external_integrations', 'Outside systems it works with'],
  ['unavailable_action', 'What happens when no person is there'],
  ['knowledge', 'Namespaces it answers from'],
  ['llm_config', 'Model, temperature, limits'],
  ['personalization', 'Whether answers fit the contact'],
  ['workflow_features', 'Surveys, follow-ups, cross-sell'],
  ['escalation_rules', 'When a person takes over'],
  ['tools', 'What it may do, with arguments and results'],
  ['mcp_servers', 'Tools of other systems, over MCP'],
  ['intents', 'What contacts want, by example'],
  ['voice_parameters', 'Speech in and out (voicebot)'],
  ['stop_speaking_plan', 'When it lets itself be interrupted (voicebot)'],
];

export const topLevelKeys = keys.map(([label, detail]) => ({
  label,
  detail,
  type: 'property',
  apply: `${label}: `,
}));
