// Users and rules from other brokers.

export type Part = 'conf' | 'passwords' | 'acl' | 'csv' | 'cloudmqtt';
export type Source = 'mosquitto' | 'csv' | 'cloudmqtt';

/** sources are the files of each kind of origin. */
export const sources: Record<Source, Part[]> = {
  mosquitto: ['passwords', 'acl', 'conf'],
  csv: ['csv'],
  cloudmqtt: ['cloudmqtt'],
};

export interface Remark {
  source: string;
  line: number; // 0: the whole
  message: string;
}

export interface ImportedUser {
  name: string;
  connect: boolean;
  from: 'hash' | 'given' | 'generated';
  password?: string; // generated, in the answer to the import only
}

export interface Report {
  applied: boolean;
  users: number;
  kept: number;
  rules: number;
  same_rules: number;
  faults: number;
  fault_list: Remark[];
  note_list: Remark[];
  user_list: ImportedUser[];
  rule_list: { user: string; effect: string; access: string; filter: string }[];
}

/** asCSV writes names and passwords. A name that a spreadsheet would take for a formula is kept from being one. */
export function asCSV(users: ImportedUser[]): string {
  const cell = (text: string) => (/^[=+\-@\t]/.test(text) ? `"'${text.replaceAll('"', '""')}"` : /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return ['name,password', ...users.map((user) => `${cell(user.name)},${cell(user.password ?? '')}`)].join('\n') + '\n';
}
