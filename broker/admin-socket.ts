/** Where administrators knock, and how much they may say at once. */
export const ADMIN_SOCKET = "admin.sock";
/** One request or answer, its newline included; answers of long lists may have more. */
export const ADMIN_LINE_BYTES_MAX = 1024 * 1024;
/** `sun_path` has 108 bytes, its NUL included (unix(7)). */
export const SOCKET_PATH_BYTES_MAX = 107;
