/** Keeps a page that breaks from taking the whole console with it. */
import { Component, type ReactNode } from 'react';
import { ProblemNote } from '../parts/parts';

/** What browsers and the bundler say when a part of a page does not arrive. */
function unloaded(error: unknown): boolean {
  return error instanceof Error && /preload|import|module script/i.test(error.message);
}

export class PageGuard extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    // Showing it again is no help to a page a part of which was not loaded: that is remembered.
    const retry = () =>
      unloaded(this.state.error) ? location.reload() : this.setState({ error: null });
    return <ProblemNote error={this.state.error} retry={retry} />;
  }
}
