/**
 * Metadata keys whose values may be longer than 200 characters. The v2 API cuts every other value there
 * (langfuse/langfuse `v2/observations`), which breaks JSON and loses the numbers in it.
 *
 * The keys are those of LiteLLM's callbacks (`StandardLoggingMetadata`, `langfuse.py`, `langfuse_otel.py`) and the
 * three that Langfuse itself makes of an OTel span: `attributes`, `resourceAttributes`, `scope`.
 */
export const expandedMetadataKeys: readonly string[] = [
  'hidden_params',
  'usage_object',
  'requester_metadata',
  'requester_custom_headers',
  'attributes',
  'resourceAttributes',
  'scope',
  'spend_logs_metadata',
  'user_api_key_auth_metadata',
  'user_api_key_metadata',
  'user_api_key_team_metadata',
  'prompt_management_metadata',
  'applied_guardrails',
  'guardrail_information',
  'standard_logging_guardrail_information',
  'mcp_tool_call_metadata',
  'vector_store_request_metadata',
  'model_info',
  'litellm_params',
  'litellm_metadata',
  'headers',
  'tags',
  'user_agent',
  'api_base',
  'user_api_key_request_route',
  'error_information',
];
