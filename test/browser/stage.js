// What most browser tests begin with: a server of their own, a browser, and a member who is signed in.
import { openPage, signIn, startBrowser } from './browser.js';
import { memberApi, PASSWORD, startServer } from './server.js';

/** `member` (an address) is signed in on `page`, and asks the API as `api`; none: neither is there. */
export async function openStage(member) {
  const stage = { server: await startServer() };
  stage.close = async () => {
    await stage.browser?.close();
    await stage.server.stop();
  };
  try {
    stage.browser = await startBrowser();
    if (member) {
      stage.api = await memberApi(stage.server, member);
      stage.page = await openPage(stage.browser, { base: stage.server.url });
      await signIn(stage.page, member, PASSWORD);
    }
    return stage;
  } catch (error) {
    await stage.close();
    throw error;
  }
}
