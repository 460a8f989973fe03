/** Keeps a page that breaks from taking the whole console with it. */
import { Component, type ReactNode } from 'react';
import { ProblemNote } from '../parts/parts';

export class PageGuard extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return <ProblemNote error={this.state.error} retry={() => this.setState({ error: null })} />;
  }
}
