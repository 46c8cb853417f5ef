/** Keys that say by their first characters whose they are. Formats as their makers publish them. */
import { edge, keyRule, looksRandom, type RedactRule } from './rule.ts';

const word = '[A-Za-z0-9]';
const url = '[A-Za-z0-9_-]';

/** More special prefixes come first: what they mask, the general ones no longer find. */
export const providerKeys: readonly RedactRule[] = [
  keyRule('anthropic key', 'sk-ant-', `${url}{16,1024}`),
  keyRule('openrouter key', 'sk-or-', `${url}{20,1024}`),
  keyRule('langfuse key', 'sk-lf-', `${url}{16,1024}`),
  keyRule('langfuse key', 'pk-lf-', `${url}{16,1024}`),
  keyRule('openai key', 'sk-proj-', `${url}{20,1024}`),
  keyRule('openai key', 'sk-svcacct-', `${url}{20,1024}`),
  keyRule('openai key', 'sk-admin-', `${url}{20,1024}`),
  keyRule('openai key', 'sk-', `${word}{16,64}T3BlbkFJ${word}{16,64}`),
  // OpenAI's older keys, virtual keys of LiteLLM, DeepSeek and others who write them so.
  keyRule('api key', 'sk-', `${url}{16,1024}`, looksRandom),
  ...['AKIA', 'ASIA', 'ABIA', 'ACCA'].map((prefix) =>
    keyRule('aws access key', prefix, `[A-Z0-9]{16}(?![A-Za-z0-9_-])`),
  ),
  keyRule('aws bedrock key', 'ABSK', `[A-Za-z0-9+/=]{64,1024}`, looksRandom),
  keyRule('google key', 'AIza', `${url}{35}(?![A-Za-z0-9_-])`),
  keyRule('google token', 'ya29.', `[A-Za-z0-9_.-]{20,2048}`),
  keyRule('google secret', 'GOCSPX-', `${url}{20,64}`),
  {
    kind: 'azure key',
    triggers: ['JQQJ99', 'AAAAAC', 'AzCa', 'ACDb', '+ASt', '+AMC', '+ABa'],
    pattern: new RegExp(
      `${edge}(?<secret>(?:${word}{52}JQQJ99${word}{26}|[A-Za-z0-9+/]{42,76}(?:AzCa|ACDb|\\+ASt|\\+AMC|\\+ABa|AAAAAC)[A-Za-z0-9+/]{5,12}={0,2}))(?![A-Za-z0-9+/=])`,
      'g',
    ),
    accepts: isMixed,
  },
  {
    kind: 'azure secret',
    triggers: ['Q~'],
    pattern: new RegExp(
      `${edge}(?<secret>[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})(?![A-Za-z0-9_~-])`,
      'g',
    ),
  },
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix) =>
    keyRule('github token', prefix, `${word}{36,255}`),
  ),
  keyRule('github token', 'github_pat_', `[A-Za-z0-9_]{22,255}`),
  ...['glpat-', 'gldt-', 'glrt-', 'glptt-', 'glcbt-', 'glagent-', 'gloas-', 'glsoat-'].map(
    (prefix) => keyRule('gitlab token', prefix, `${url}{20,300}`),
  ),
  ...['xoxb-', 'xoxp-', 'xoxa-', 'xoxo-', 'xoxr-', 'xoxs-', 'xoxe-', 'xoxe.', 'xapp-'].map(
    (prefix) => keyRule('slack token', prefix, `[A-Za-z0-9.-]{10,400}`, hasDigit),
  ),
  {
    kind: 'slack webhook',
    triggers: ['hooks.slack.com/'],
    pattern:
      /(?<before>hooks\.slack\.com\/(?:services|workflows|triggers)\/)(?<secret>[A-Za-z0-9/_-]{16,256})/g,
  },
  {
    kind: 'discord webhook',
    triggers: ['/api/webhooks/'],
    pattern: /(?<before>\/api\/webhooks\/\d{10,24}\/)(?<secret>[A-Za-z0-9_-]{40,128})/g,
  },
  ...['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_', 'whsec_'].map((prefix) =>
    keyRule('stripe key', prefix, `[A-Za-z0-9+/=]{10,256}`, looksRandom),
  ),
  keyRule('huggingface token', 'hf_', `${word}{30,64}`),
  keyRule('databricks token', 'dapi', `[0-9a-f]{32}(?:-\\d)?(?![A-Za-z0-9])`),
  keyRule('npm token', 'npm_', `${word}{36,64}`),
  keyRule('pypi token', 'pypi-', `AgE${url}{32,2048}`),
  keyRule('sendgrid key', 'SG.', `${url}{16,32}\\.${url}{32,64}`),
  keyRule('twilio key', 'SK', `[0-9a-f]{32}(?![A-Za-z0-9])`),
  keyRule('mailgun key', 'key-', `[0-9a-f]{32}(?![A-Za-z0-9])`),
  keyRule('groq key', 'gsk_', `${word}{40,64}`),
  keyRule('xai key', 'xai-', `${word}{60,100}`),
  keyRule('perplexity key', 'pplx-', `${word}{40,64}`),
  keyRule('replicate token', 'r8_', `${word}{37}`),
  keyRule('nvidia key', 'nvapi-', `${url}{60,100}`),
  keyRule('tavily key', 'tvly-', `${url}{20,64}`, looksRandom),
  keyRule('voyage key', 'pa-', `${url}{43}(?![A-Za-z0-9_-])`, isMixed),
  keyRule('together key', 'tgp_v1_', `${url}{40,64}`),
  keyRule('fireworks key', 'fw_', `${word}{22,24}(?![A-Za-z0-9_])`, isMixed),
  ...['hvs.', 'hvb.', 'hvr.'].map((prefix) => keyRule('vault token', prefix, `${url}{24,256}`)),
  keyRule('doppler token', 'dp.', `(?:pt|st|ct|sa|scim|audit)\\.[A-Za-z0-9_.-]{40,64}`),
  ...['dop_v1_', 'doo_v1_', 'dor_v1_'].map((prefix) =>
    keyRule('digitalocean token', prefix, '[0-9a-f]{64}'),
  ),
  keyRule('docker token', 'dckr_pat_', `${url}{20,64}`),
  ...['glsa_', 'glc_'].map((prefix) =>
    keyRule('grafana token', prefix, `[A-Za-z0-9_=+/]{32,512}`, looksRandom),
  ),
  keyRule('new relic key', 'NRAK-', `[A-Z0-9]{27}`),
  ...['shpat_', 'shpca_', 'shppa_', 'shpss_'].map((prefix) =>
    keyRule('shopify token', prefix, '[0-9a-fA-F]{32}'),
  ),
  keyRule('atlassian token', 'ATATT3', `[A-Za-z0-9_=-]{60,300}`),
  keyRule('linear key', 'lin_api_', `${word}{32,64}`),
  keyRule('notion token', 'ntn_', `${word}{40,64}`),
  keyRule('figma token', 'figd_', `${url}{32,64}`),
  ...['sntrys_', 'sntryu_'].map((prefix) =>
    keyRule('sentry token', prefix, `[A-Za-z0-9_=+/]{32,512}`),
  ),
  keyRule('supabase key', 'sbp_', '[0-9a-f]{40}'),
  ...['phx_', 'phc_'].map((prefix) => keyRule('posthog key', prefix, `${word}{32,64}`)),
  ...['pul-'].map((prefix) => keyRule('pulumi token', prefix, '[0-9a-f]{40}')),
  keyRule('postman key', 'PMAK-', '[0-9a-f]{24}-[0-9a-f]{34}'),
  keyRule('rubygems key', 'rubygems_', '[0-9a-f]{48}'),
  keyRule('age key', 'AGE-SECRET-KEY-', '1[A-Z0-9]{58}'),
  {
    kind: 'telegram token',
    triggers: [':AA'],
    pattern: new RegExp(`${edge}(?<secret>\\d{8,10}:AA[A-Za-z0-9_-]{33})(?![A-Za-z0-9_-])`, 'g'),
  },
];

function hasDigit(text: string): boolean {
  return /\d/.test(text);
}

/** Letters of both cases and digits: no word, no hex hash, no slug. */
export function isMixed(text: string): boolean {
  return /\d/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text);
}
