declare module "npos" {
  const npos: { parser(): { parse(bytes: Buffer): Promise<unknown> } };
  export default npos;
}
