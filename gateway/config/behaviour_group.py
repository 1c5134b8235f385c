"""Variables of what the gateway does: relay, channels, limits, accounts."""

from __future__ import annotations

from typing import Annotated

from pydantic_settings import BaseSettings

from gateway.config.variable import HeaderName, HttpUrl, ProxyUrl, Variable, mask_url

_PROXY = "http://, https://, socks5:// or socks5h://[user:password@]host:port"
_RANKS_SHIP = "they come with the installation"


class Relay(BaseSettings):
    """Requests to providers."""

    relay_timeout: Annotated[
        int,
        Variable(meaning="Longest time for one answer, all attempts included. 0: no limit.", unit="s"),
    ] = 0
    connect_timeout_sec: Annotated[
        float,
        Variable(
            meaning="Time for reaching the provider: name, connection, TLS. 0: no limit.", unit="s", is_original=False
        ),
    ] = 10.0
    head_timeout_sec: Annotated[
        float,
        Variable(
            meaning="Time from the sent request to the head of the provider's answer. 0: no limit.",
            unit="s",
            is_original=False,
        ),
    ] = 300.0
    first_content_timeout_sec: Annotated[
        float,
        Variable(
            meaning="Time from the sent request to the first content of the answer. 0: no limit.",
            unit="s",
            is_original=False,
        ),
    ] = 600.0
    idle_timeout_sec: Annotated[
        float,
        Variable(
            meaning="Longest silence of a provider within an answer. 0: no limit. Not one-api's `IDLE_TIMEOUT`.",
            unit="s",
            is_original=False,
        ),
    ] = 300.0
    stream_heartbeat_sec: Annotated[
        float,
        Variable(
            meaning="When a stream has been silent for this long the client gets an SSE comment, which keeps proxies "
            "awake. Until the first one the answer's head is held back, so that a failure has its true status. "
            "0: no heartbeat, and the head waits for the first content.",
            unit="s",
            is_original=False,
        ),
    ] = 15.0
    forward_headers: Annotated[
        tuple[HeaderName, ...],
        Variable(
            meaning="Further request headers that are passed on to providers, separated by commas. Not allowed are "
            "those with credentials, of the connection, or with the client's address.",
            expects="names of headers separated by commas, none with credentials, of the connection, or with the "
            "client's address",
            is_original=False,
        ),
    ] = ()
    relay_proxy: Annotated[
        ProxyUrl,
        Variable(meaning="Proxy for requests to providers.", expects=_PROXY, is_secret=True, mask=mask_url),
    ] = ""
    enforce_include_usage: Annotated[
        bool, Variable(meaning="Asks providers for the usage of a stream, also when the client did not.")
    ] = True
    default_max_token: Annotated[
        int,
        Variable(
            meaning="Output limit for requests that must have one and have none.",
            unit="tokens",
            low=1,
        ),
    ] = 2048
    openrouter_provider_sort: Annotated[
        str, Variable(meaning="`provider.sort` of OpenRouter requests that have none.")
    ] = ""
    gemini_version: Annotated[
        str,
        Variable(meaning="Version of the Gemini API, for models that are not known to need another."),
    ] = "v1"
    aws_endpoint_url_bedrock_runtime: Annotated[
        HttpUrl,
        Variable(
            meaning="Address of Amazon Bedrock for channels without a base URL, in place of the region's own; AWS's "
            "own variable.",
            expects="an address such as https://bedrock.example.com",
            is_original=False,
        ),
    ] = ""
    gemini_safety_setting: Annotated[str, Variable(meaning="Threshold sent to Gemini for every safety category.")] = (
        "BLOCK_NONE"
    )
    keep_signatures_hours: Annotated[
        int,
        Variable(
            meaning="How long the signed thoughts in front of a tool call are kept, for clients whose format has no "
            "room for them. 0: not at all.",
            unit="h",
            low=0,
            high=720,
            is_original=False,
        ),
    ] = 24
    idle_timeout: Annotated[
        int,
        Variable(
            meaning="Meant for idle connections to providers.",
            unit="s",
            no_effect="nor had it one in one-api; see `IDLE_TIMEOUT_SEC`",
        ),
    ] = 30
    tiktoken_cache_dir: Annotated[
        str, Variable(meaning="Folder of the tokenizer's tables.", no_effect=_RANKS_SHIP)
    ] = ""
    data_gym_cache_dir: Annotated[str, Variable(meaning="As `TIKTOKEN_CACHE_DIR`.", no_effect=_RANKS_SHIP)] = ""


class Images(BaseSettings):
    """Images that users name by address."""

    fetch_allow_private: Annotated[
        bool,
        Variable(
            meaning="Lets users have images fetched from loopback and private addresses. **Opens your network to "
            "them**; for tests.",
            is_original=False,
        ),
    ] = False
    user_content_request_proxy: Annotated[
        ProxyUrl,
        Variable(meaning="Proxy for fetching images.", expects=_PROXY, is_secret=True, mask=mask_url),
    ] = ""
    user_content_request_timeout: Annotated[int, Variable(meaning="Time for fetching an image.", unit="s", low=1)] = (
        30
    )
    max_inline_image_size_mb: Annotated[
        int, Variable(meaning="Largest image that is fetched.", unit="MB", high=1024)
    ] = 30


class Channels(BaseSettings):
    """Channels."""

    providers_dir: Annotated[
        str,
        Variable(
            meaning="Folder with providers and prices of your own, see docs/providers.md. Empty: none.",
            is_original=False,
        ),
    ] = ""
    channel_suspend_seconds_for_429: Annotated[
        int, Variable(meaning="After a 429, how long a model of a channel gets no requests of that group.", unit="s")
    ] = 60
    channel_suspend_seconds_for_5xx: Annotated[
        int, Variable(meaning="The same after 5xx and network errors.", unit="s")
    ] = 30
    channel_suspend_seconds_for_auth: Annotated[
        int, Variable(meaning="The same after a provider refused the key, or its account is empty.", unit="s")
    ] = 60
    default_use_min_max_tokens_model: Annotated[
        bool,
        Variable(
            meaning="Among channels of equal priority, take those with the smallest `max_tokens` set for the model.",
        ),
    ] = False
    channel_test_frequency: Annotated[
        int | None,
        Variable(
            meaning="How often all channels are tested. Unset or 0: never.",
            unit="minutes",
            default_text="(unset)",
        ),
    ] = None
    polling_interval: Annotated[
        int,
        Variable(
            meaning="Pause between two channels when all are tested or asked for their balance.",
            unit="s",
        ),
    ] = 0
    test_prompt: Annotated[str, Variable(meaning="Prompt of channel tests.")] = "2 + 2 = ?"
    test_max_tokens: Annotated[int, Variable(meaning="Output limit of channel tests.", unit="tokens", low=1)] = 1024
    enable_metric: Annotated[bool, Variable(meaning="Disables a channel when too few of its requests succeed.")] = (
        False
    )
    metric_queue_size: Annotated[
        int, Variable(meaning="Requests that this success rate looks back on.", low=1, high=100_000)
    ] = 10
    metric_success_rate_threshold: Annotated[
        float, Variable(meaning="The rate below which the channel is disabled.", high=1)
    ] = 0.8
    metric_success_chan_size: Annotated[
        int, Variable(meaning="Length of a queue in one-api.", no_effect="there is no such queue")
    ] = 1024
    metric_fail_chan_size: Annotated[
        int, Variable(meaning="Length of a queue in one-api.", no_effect="there is no such queue")
    ] = 128


class Limits(BaseSettings):
    """Rate limits."""

    global_api_rate_limit: Annotated[
        int, Variable(meaning="Requests to `/api` per client address. 0: no limit.", unit="per 3 minutes")
    ] = 480
    global_web_rate_limit: Annotated[
        int, Variable(meaning="Pages per client address. 0: no limit.", unit="per 3 minutes")
    ] = 240
    global_relay_rate_limit: Annotated[
        int, Variable(meaning="Relayed requests per API key. 0: no limit.", unit="per 3 minutes")
    ] = 480
    global_channel_rate_limit: Annotated[
        bool, Variable(meaning="Applies each channel's own limit (requests per 3 minutes and API key).")
    ] = False
    critical_rate_limit: Annotated[
        int,
        Variable(
            meaning="Log-ins, registrations, verifications per client address. 0: no limit.", unit="per 20 minutes"
        ),
    ] = 20
    max_items_per_page: Annotated[int, Variable(meaning="Longest page of a list.", low=1, high=10_000)] = 100


class Accounts(BaseSettings):
    """Accounts and keys."""

    session_secret: Annotated[
        str,
        Variable(
            meaning="Signs session cookies, so that nobody can forge one; they are not encrypted. Give every "
            "machine the same. Unset: a new one at each start, which ends all sessions.",
            default_text="(random)",
            is_secret=True,
        ),
    ] = ""
    disable_cookie_secure: Annotated[
        bool, Variable(meaning="Sends the session cookie also over plain HTTP. For use without TLS.")
    ] = False
    token_key_prefix: Annotated[
        str, Variable(meaning="Put before API keys when they are shown; the database has them without.")
    ] = "sk-"  # noqa: S105 - a prefix, no secret
    initial_root_token: Annotated[
        str,
        Variable(
            meaning="API key that root gets on an empty database, without prefix.",
            expects="at most 48 characters, no spaces",
            is_secret=True,
        ),
    ] = ""
    initial_root_access_token: Annotated[
        str,
        Variable(
            meaning="Root's access token for the management API on an empty database.",
            expects="at most 32 characters, no spaces",
            is_secret=True,
        ),
    ] = ""
    theme: Annotated[
        str,
        Variable(
            meaning="Look of the web pages until the option `Theme` is saved.",
            choices=("default", "berry", "air", "modern"),
            no_effect="the pages have one look, light or dark as each reader likes",
        ),
    ] = "modern"
    force_email_tls_verify: Annotated[bool, Variable(meaning="Checks the certificate of the mail server.")] = False
