/** Filled in once there is a picture. */
export function Example() {
  return null;
}
