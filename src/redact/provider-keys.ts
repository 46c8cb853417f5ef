/** Keys that say by their first characters whose they are. Formats as their makers publish them. */
import { anchoredRule, isMixed, keyRule, looksRandom, type RedactRule } from './rule.ts';

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
  anchoredRule({
    kind: 'azure key',
    anchor: 'JQQJ99',
    offset: 52,
    pattern: `${word}{52}JQQJ99${word}{26}(?![A-Za-z0-9])`,
  }),
  anchoredRule({
    kind: 'azure secret',
    anchor: 'Q~',
    offset: 4,
    pattern: `[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9_~-])`,
  }),
  anchoredRule({ kind: 'github token', anchor: 'gh', pattern: `gh[oprsu]_${word}{36,255}` }),
  keyRule('github token', 'github_pat_', `[A-Za-z0-9_]{22,255}`),
  anchoredRule({
    kind: 'gitlab token',
    anchor: 'gl',
    pattern: `gl(?:pat|dt|rt|ptt|cbt|agent|oas|soat|ft|imt|ffct)-${url}{20,300}`,
  }),
  ...['xox', 'xapp-'].map((anchor) =>
    anchoredRule({
      kind: 'slack token',
      anchor,
      pattern: `(?:xox[abeoprs][.-]|xapp-)[A-Za-z0-9.-]{10,400}`,
      accepts: hasDigit,
    }),
  ),
  {
    kind: 'slack webhook',
    anchors: ['hooks.slack.com/'],
    pattern:
      /(?<before>hooks\.slack\.com\/(?:services|workflows|triggers)\/)(?<secret>[A-Za-z0-9/_-]{16,256})/y,
  },
  {
    kind: 'discord webhook',
    anchors: ['/api/webhooks/'],
    pattern: /(?<before>\/api\/webhooks\/\d{10,24}\/)(?<secret>[A-Za-z0-9_-]{40,128})/y,
  },
  ...['_live_', '_test_'].map((anchor) =>
    anchoredRule({
      kind: 'stripe key',
      anchor,
      offset: 2,
      pattern: `[rs]k_(?:live|test)_${word}{10,256}`,
      accepts: looksRandom,
    }),
  ),
  keyRule('stripe key', 'whsec_', `[A-Za-z0-9+/=]{10,256}`, looksRandom),
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
  anchoredRule({ kind: 'vault token', anchor: 'hv', pattern: `hv[bsr]\\.${url}{24,256}` }),
  keyRule('doppler token', 'dp.', `(?:pt|st|ct|sa|scim|audit)\\.[A-Za-z0-9_.-]{40,64}`),
  anchoredRule({
    kind: 'digitalocean token',
    anchor: '_v1_',
    offset: 3,
    pattern: 'do[opr]_v1_[0-9a-f]{64}',
  }),
  keyRule('docker token', 'dckr_pat_', `${url}{20,64}`),
  anchoredRule({
    kind: 'grafana token',
    anchor: 'gl',
    pattern: `gl(?:sa|c)_[A-Za-z0-9_=+/]{32,512}`,
    accepts: looksRandom,
  }),
  keyRule('new relic key', 'NRAK-', `[A-Z0-9]{27}`),
  anchoredRule({
    kind: 'shopify token',
    anchor: 'shp',
    pattern: 'shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}',
  }),
  keyRule('atlassian token', 'ATATT3', `[A-Za-z0-9_=-]{60,300}`),
  keyRule('linear key', 'lin_api_', `${word}{32,64}`),
  keyRule('notion token', 'ntn_', `${word}{40,64}`),
  keyRule('figma token', 'figd_', `${url}{32,64}`),
  anchoredRule({
    kind: 'sentry token',
    anchor: 'sntry',
    pattern: `sntry[su]_[A-Za-z0-9_=+/]{32,512}`,
  }),
  keyRule('supabase key', 'sbp_', '[0-9a-f]{40}'),
  keyRule('posthog key', 'phx_', `${word}{32,64}`),
  keyRule('pulumi token', 'pul-', '[0-9a-f]{40}'),
  keyRule('postman key', 'PMAK-', '[0-9a-f]{24}-[0-9a-f]{34}'),
  keyRule('rubygems key', 'rubygems_', '[0-9a-f]{48}'),
  keyRule('age key', 'AGE-SECRET-KEY-', '1[A-Z0-9]{58}'),
  ...[8, 9, 10].map((digits) =>
    anchoredRule({
      kind: 'telegram token',
      anchor: ':AA',
      offset: digits,
      pattern: `\\d{${digits}}:AA${url}{33}(?![A-Za-z0-9_-])`,
    }),
  ),
];

function hasDigit(text: string): boolean {
  return /\d/.test(text);
}
