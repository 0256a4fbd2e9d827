/** Opens the drawer of background jobs from anywhere, after something long was started. */
export function showJobs(): void {
  dispatchEvent(new Event('capillary:jobs'))
}
