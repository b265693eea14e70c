// As old pages bring one: without most of what a Promise has, and it calls at once.
window.Promise = class Polyfill {
  constructor(work) {
    this.actions = [];
    work(
      (value) => this.settle("value", value),
      (error) => this.settle("error", error),
    );
  }
  settle(kind, what) {
    if (this.kind) return;
    if (kind === "value" && what && what.then)
      return what.then(
        (v) => this.settle("value", v),
        (e) => this.settle("error", e),
      );
    this.kind = kind;
    this.what = what;
    const actions = this.actions;
    for (let i = 0; i < actions.length; i++) actions[i]();
  }
  then(onValue, onError) {
    return new Polyfill((resolve, reject) => {
      const act = () => {
        const action = this.kind === "value" ? onValue : onError;
        try {
          if (action) resolve(action(this.what));
          else if (this.kind === "value") resolve(this.what);
          else reject(this.what);
        } catch (error) {
          reject(error);
        }
      };
      if (this.kind) act();
      else this.actions.push(act);
    });
  }
  catch(onError) {
    return this.then(undefined, onError);
  }
  static resolve(value) {
    return new Polyfill((resolve) => resolve(value));
  }
  static reject(error) {
    return new Polyfill((_, reject) => reject(error));
  }
};
