/** The copilot's tools by the names that people have for what they find out. */
import { plain } from '../parts/words';

export const successTools = [
  'get_customer_usage',
  'get_recent_tickets',
  'get_contract_info',
  'calculate_health',
  'generate_email',
  'generate_qbr_outline',
];
const names: Record<string, string> = {
  get_customer_usage: 'Usage',
  get_recent_tickets: 'Tickets',
  get_contract_info: 'Contract',
  calculate_health: 'Health',
  generate_email: 'E-mail draft',
  generate_qbr_outline: 'QBR outline',
  portfolio: 'Portfolio',
};
export const toolName = (tool: string) => names[tool] ?? plain(tool);

/** Addresses of the server name the console's folder; its own links do not. */
export const linkOf = (url: string) => url.replace(/^\/console/, '');
