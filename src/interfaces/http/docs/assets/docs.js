// The documentation page: starts Swagger UI and carries the reader's session from one call to the next.
// Tokens live in the memory of this page only; a reload forgets them.
"use strict";

(() => {
  const SCHEME = "bearerAuth";
  const REFRESH = ["/v1/sessions/refresh", "post"];
  const SIGN_OUTS = new Set(["delete /v1/sessions/current", "delete /v1/sessions", "post /v1/users/me/deletion"]);
  const END_SESSION = "delete /v1/sessions/{session_id}";

  const root = document.getElementById("swagger-ui");
  const status = document.getElementById("session-status");
  const openapiUrl = new URL(root.dataset.openapi, document.baseURI);
  let ui;
  let expiry;
  let sessionId;

  function showStatus(state, text) {
    status.dataset.state = state;
    status.textContent = text;
  }

  function prefillRefresh(refreshToken) {
    const value = refreshToken && JSON.stringify({ refresh_token: refreshToken }, null, 2);
    ui.oas3Actions.setRequestBodyValue({ value, pathMethod: REFRESH });
    // Else the example of the description replaces the value when the operation is unfolded.
    ui.oas3Actions.setRetainRequestBodyValueFlag({ value: Boolean(value), pathMethod: REFRESH });
  }

  function isTokenResponse(answer) {
    return answer?.token_type === "Bearer" && typeof answer.access_token === "string";
  }

  function signIn(answer) {
    ui.preauthorizeApiKey(SCHEME, answer.access_token);
    // Without such a scheme in the description no call carries the token, and nothing may claim that one does.
    if (!ui.authSelectors.authorized().has(SCHEME)) return;
    sessionId = answer.session?.id;
    const name = answer.user?.username ?? "the new user";
    const end = new Date(Date.now() + answer.expires_in * 1000);
    const time = end.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    showStatus("signed-in", `Signed in as ${name}. The token is used for the calls below until ${time}.`);
    clearTimeout(expiry);
    expiry = setTimeout(
      () => showStatus("expired", `Signed in as ${name}. The access token has expired: refresh the session.`),
      end - Date.now(),
    );
    if (answer.refresh_token) prefillRefresh(answer.refresh_token);
  }

  function forget() {
    clearTimeout(expiry);
    showStatus("signed-out", "Not signed in");
    prefillRefresh(undefined);
  }

  function endsCallersSession(path, method, response) {
    if (response.status !== 204) return false;
    const url = new URL(response.url);
    if (`${method} ${path}` === END_SESSION) return url.pathname.endsWith(`/${sessionId}`);
    return SIGN_OUTS.has(`${method} ${path}`) && url.searchParams.get("except") !== "current";
  }

  function followSession(path, method, response) {
    if (response.ok && isTokenResponse(response.body)) signIn(response.body);
    else if (endsCallersSession(path, method, response)) ui.authActions.logout([SCHEME]);
  }

  // The page calls the service it was loaded from, under whatever prefix that is, and no other: the content
  // security policy allows nothing else. `servers` of the document says where other readers find the service.
  function callThisService(text) {
    try {
      const url = new URL(".", openapiUrl).href.replace(/\/$/, "");
      return JSON.stringify({ ...JSON.parse(text), servers: [{ url }] });
    } catch {
      return text; // Not JSON: Swagger UI shows the error.
    }
  }

  const sessionPlugin = {
    statePlugins: {
      spec: {
        wrapActions: {
          updateSpec: (original) => (text) => original(callThisService(text)),
          setResponse: (original) => (path, method, response) => {
            followSession(path, method, response);
            return original(path, method, response);
          },
        },
      },
      auth: {
        wrapActions: {
          logout: (original) => (names) => {
            if (names.includes(SCHEME)) forget();
            return original(names);
          },
        },
      },
    },
  };

  // Swagger UI carries its dark theme under this class and leaves the choice to the page.
  function followColourScheme() {
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const apply = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
    dark.addEventListener("change", apply);
    apply();
  }

  followColourScheme();
  ui = SwaggerUIBundle({
    url: openapiUrl.href,
    domNode: root,
    layout: "BaseLayout",
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [SwaggerUIBundle.plugins.DownloadUrl, () => sessionPlugin],
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    docExpansion: "list",
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
})();
