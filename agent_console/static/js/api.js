// The HTTP side: JSON in, JSON out; a refusal is thrown as ApiError with the server's code.

export class ApiError extends Error {
  constructor(status, code, text) {
    super(text);
    this.status = status;
    this.code = code;
  }
}

export async function call(method, path, { body, csrf } = {}) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (csrf) headers["X-CSRF-Token"] = csrf;
  let response;
  try {
    response = await fetch(path, { method, headers, body: body && JSON.stringify(body), credentials: "same-origin" });
  } catch {
    throw new ApiError(0, "offline", "no connection");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    const { code = "failed", text = response.statusText } = answer.error ?? {};
    throw new ApiError(response.status, code, text);
  }
  return answer;
}
