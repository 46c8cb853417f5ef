import { networkCommands } from './command-names.ts';
import { parseProxyUrl } from './parse-proxy-url.ts';
import { optional, secret } from './setting.ts';

/** The way to every server, by the names that most programs know. */
export const networkSettings = {
  httpProxy: secret({
    env: ['HTTP_PROXY', 'http_proxy'],
    fileFlag: '--http-proxy-file',
    parse: parseProxyUrl,
    commands: networkCommands,
    description:
      'Proxy for http:// addresses of Langfuse, MLflow, LiteLLM and AWS, and for https:// ones where HTTPS_PROXY is not set. Credentials of a machine or container are asked for without it.',
    allows: 'an http or https URL, with user name and password where the proxy asks for them',
    example: 'http://proxy.example.com:3128',
  }),
  httpsProxy: secret({
    env: ['HTTPS_PROXY', 'https_proxy'],
    fileFlag: '--https-proxy-file',
    parse: parseProxyUrl,
    commands: networkCommands,
    description: 'Proxy for https:// addresses of Langfuse, MLflow, LiteLLM and AWS.',
    allows: 'an http or https URL, with user name and password where the proxy asks for them',
    example: 'http://proxy.example.com:3128',
  }),
  noProxy: optional({
    env: ['NO_PROXY', 'no_proxy'],
    flag: '--proxy-exceptions',
    placeholder: 'LIST',
    parse: (text) => text,
    commands: networkCommands,
    description:
      'Hosts that are reached without the proxy: names (their subdomains too), addresses, each also with its port; `*` for all. Ranges of addresses (10.0.0.0/8) are not understood.',
    allows: 'hosts separated by commas',
    example: 'localhost,127.0.0.1,mlflow.internal:5000',
  }),
} as const;
